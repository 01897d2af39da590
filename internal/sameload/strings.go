package sameload

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// btfInfo is struct bpf_btf_info.
type btfInfo struct {
	BTF       unsafe.Pointer
	BTFSize   uint32
	ID        uint32
	Name      unsafe.Pointer
	NameLen   uint32
	KernelBTF uint32
}

// strings gives access to the string section of a BTF object, by offset.
func (d *describer) strings(id uint32) (func(off uint32) string, error) {
	raw, err := rawBTF(id)
	if err != nil {
		return nil, fmt.Errorf("BTF %d: %w", id, err)
	}
	// struct btf_header: magic, version, flags, hdr_len, type_off, type_len, str_off, str_len.
	word := func(at int) uint32 { return binary.NativeEndian.Uint32(raw[at:]) }
	hdrLen, strOff, strLen := word(4), word(16), word(20)
	section := raw[hdrLen+strOff:][:strLen]
	return func(off uint32) string {
		if int(off) >= len(section) {
			return fmt.Sprintf("no string at %d", off)
		}
		return cString(section[off:])
	}, nil
}

// rawBTF reads a BTF object's bytes.
func rawBTF(id uint32) ([]byte, error) {
	fd, err := fdByID(unix.BPF_BTF_GET_FD_BY_ID, id)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var sizes btfInfo
	if err := objInfo(fd, &sizes); err != nil {
		return nil, err
	}
	raw := make([]byte, sizes.BTFSize)
	info := btfInfo{BTF: unsafe.Pointer(unsafe.SliceData(raw)), BTFSize: sizes.BTFSize}
	return raw, objInfo(fd, &info)
}
