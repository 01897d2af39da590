package sameload

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// contents reads the elements of a map, if its type lets user space do so.
func (d *describer) contents(fd int, info sys.MapInfo) (elems map[string]string, nested map[string]Map, err error) {
	typ := ebpf.MapType(info.Type)
	switch typ {
	case ebpf.Array, ebpf.Hash, ebpf.LRUHash, ebpf.LPMTrie,
		ebpf.PerCPUArray, ebpf.PerCPUHash, ebpf.LRUCPUHash,
		ebpf.ProgramArray, ebpf.ArrayOfMaps, ebpf.HashOfMaps,
		ebpf.DevMap, ebpf.DevMapHash, ebpf.CPUMap:
	default:
		return nil, nil, nil // not readable, or not without removing elements
	}
	size, err := valueSize(typ, info.ValueSize)
	if err != nil {
		return nil, nil, err
	}

	elems, nested = map[string]string{}, map[string]Map{}
	value := make([]byte, size)
	err = eachKey(fd, typ, info, func(key []byte) error {
		clear(value)
		err := elem(sys.CmdMapLookupElem, fd, key, value)
		if errors.Is(err, unix.ENOENT) {
			return nil // an empty slot
		}
		if err != nil {
			return fmt.Errorf("look up %x: %w", key, err)
		}
		at := fmt.Sprintf("%x", key)
		switch {
		case typ == ebpf.ProgramArray:
			elems[at] = d.progName(binary.NativeEndian.Uint32(value))
		case typ == ebpf.ArrayOfMaps || typ == ebpf.HashOfMaps:
			id := binary.NativeEndian.Uint32(value)
			if name, ok := d.mapNames[id]; ok {
				elems[at] = "map " + name
				return nil
			}
			elems[at] = "a separate map"
			nested[at], err = d.mapByID(id)
			return err
		case isArray(typ) && !slices.ContainsFunc(value, func(b byte) bool { return b != 0 }):
		default:
			elems[at] = hexValue(value)
		}
		return nil
	})
	if errors.Is(err, unix.EPERM) && info.MapFlags&sys.FlagWronly != 0 {
		return nil, nil, nil // not readable from user space
	}
	return elems, nested, err
}

func isArray(typ ebpf.MapType) bool {
	switch typ {
	case ebpf.Array, ebpf.PerCPUArray, ebpf.ProgramArray, ebpf.ArrayOfMaps, ebpf.DevMap, ebpf.CPUMap:
		return true
	}
	return false
}

// eachKey calls f for every key of a map. The keys of an array are known; for other maps, the
// kernel is asked.
func eachKey(fd int, typ ebpf.MapType, info sys.MapInfo, f func(key []byte) error) error {
	if isArray(typ) {
		key := make([]byte, 4)
		for i := range info.MaxEntries {
			binary.NativeEndian.PutUint32(key, i)
			if err := f(key); err != nil {
				return err
			}
		}
		return nil
	}
	var key []byte
	for {
		next := make([]byte, info.KeySize)
		err := elem(sys.CmdMapGetNextKey, fd, key, next)
		if errors.Is(err, unix.ENOENT) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("next key: %w", err)
		}
		if err := f(next); err != nil {
			return err
		}
		key = next
	}
}

// valueSize returns the number of bytes that a lookup from user space copies.
func valueSize(typ ebpf.MapType, size uint32) (int, error) {
	switch typ {
	case ebpf.PerCPUArray, ebpf.PerCPUHash, ebpf.LRUCPUHash:
		cpus, err := ebpf.PossibleCPU()
		return cpus * (int(size+7) / 8 * 8), err
	}
	return int(size), nil
}

// hexValue formats a short value in full, and a long one as its non-zero beginning and a hash.
func hexValue(v []byte) string {
	const full, head = 256, 64
	if len(v) <= full {
		return fmt.Sprintf("%x", v)
	}
	return fmt.Sprintf("%x... %d bytes, %d not zero, SHA-256 %x",
		v[:head], len(v), len(v)-bytes.Count(v, []byte{0}), sha256.Sum256(v))
}

// progName returns a program's name by its ID. It is the name in the load if the program is part of
// it.
func (d *describer) progName(id uint32) string {
	if name, ok := d.progNames[id]; ok {
		return "program " + name
	}
	return "a program of somebody else"
}

// mapByID describes a map that only another map refers to.
func (d *describer) mapByID(id uint32) (Map, error) {
	fd, err := fdByID(sys.CmdMapGetFdByID, id)
	if err != nil {
		return Map{}, err
	}
	defer unix.Close(fd)
	return d.mapView(fd)
}
