package load

import (
	"fmt"
	"slices"

	"github.com/bpf2lskel/bpf2lskel/internal/kernelbtf"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// CopyPinned copies the entries of the pinned map to the object's map, which then replaces it.
// Values may have grown: their new bytes are zero. Writes of programs to the old map from then on
// are not copied.
func CopyPinned(c *PinConflict) error {
	if err := c.copyable(); err != nil {
		return err
	}
	if err := c.copy(); err != nil {
		return err
	}
	return ReplacePinned(c)
}

// copyable returns an error if the old map's entries cannot be copied to the new map.
func (c *PinConflict) copyable() error {
	old, now := &c.oldInfo, &c.nowInfo
	cannot := func(field string, have, want uint32) error {
		return fmt.Errorf("cannot copy entries: %w",
			&IncompatibleMapError{Map: c.Map, Path: c.Path, Field: field, Have: uint64(have), Want: uint64(want)})
	}
	array := false
	switch now.Type {
	case sys.MapTypeHash, sys.MapTypeLRUHash, sys.MapTypePerCPUHash, sys.MapTypeLRUPerCPUHash, sys.MapTypeLPMTrie:
	case sys.MapTypeArray, sys.MapTypePerCPUArray:
		array = true
	default:
		return fmt.Errorf("cannot copy entries: maps of type %d do not list them", now.Type)
	}
	switch {
	case !SameKind(old.Type, now.Type):
		return cannot(fieldType, old.Type, now.Type)
	case old.KeySize != now.KeySize:
		return cannot(fieldKeySize, old.KeySize, now.KeySize)
	case old.ValueSize > now.ValueSize:
		return cannot(fieldValueSize, old.ValueSize, now.ValueSize)
	case array && old.MaxEntries > now.MaxEntries:
		return cannot(fieldMaxEntries, old.MaxEntries, now.MaxEntries)
	}
	return c.sameManagedFields()
}

// sameManagedFields compares the fields that the kernel manages, such as locks, in the part of the
// values that both maps have. The kernel does not copy such fields: if only one of the maps has
// one, the other map's data there would be lost.
func (c *PinConflict) sameManagedFields() error {
	have, ok := managedFields(&c.oldInfo)
	want, alsoOK := managedFields(&c.nowInfo)
	if !ok || !alsoOK {
		return nil
	}
	want = slices.DeleteFunc(want, func(f kernelbtf.SpecialField) bool { return f.Offset >= c.oldInfo.ValueSize })
	if differs := compareFields(c.Map, have, want); differs != nil {
		differs.Path = c.Path
		return fmt.Errorf("cannot copy entries: %w", differs)
	}
	return nil
}

// copy copies the entries, each with one lookup and one update.
func (c *PinConflict) copy() error {
	values, err := valuesPerKey(c.nowInfo.Type)
	if err != nil {
		return err
	}
	oldSize, nowSize := int(c.oldInfo.ValueSize), int(c.nowInfo.ValueSize)
	oldStep, nowStep := oldSize, nowSize
	if values > 1 || isPerCPU(c.nowInfo.Type) { // the size is rounded up to 8 bytes (bpf_map_value_size)
		oldStep, nowStep = (oldSize+7)&^7, (nowSize+7)&^7
	}
	from, to := make([]byte, values*oldStep), make([]byte, values*nowStep)
	err = EachKey(c.old, int(c.nowInfo.KeySize), c.oldInfo.MaxEntries, func(key []byte) error {
		switch errno := Elem(sys.CmdMapLookupElem, c.old, key, from, 0); errno {
		case 0:
		case unix.ENOENT:
			return nil
		default:
			return errno
		}
		for i := range values {
			copy(to[i*nowStep:][:nowSize], from[i*oldStep:][:oldSize])
		}
		if errno := Elem(sys.CmdMapUpdateElem, c.now, key, to, 0); errno != 0 {
			return fmt.Errorf("copy an entry: %w", errno)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", c.Path, err)
	}
	return nil
}

func isPerCPU(mapType uint32) bool {
	switch mapType {
	case sys.MapTypePerCPUHash, sys.MapTypePerCPUArray, sys.MapTypeLRUPerCPUHash:
		return true
	}
	return false
}

// valuesPerKey returns how many values the kernel copies for a key.
func valuesPerKey(mapType uint32) (int, error) {
	if !isPerCPU(mapType) {
		return 1, nil
	}
	return sys.PossibleCPUs()
}
