package runtime

import (
	"errors"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// CreateMap creates a map that no object defines, with the Name, Type, KeySize, ValueSize,
// MaxEntries, Flags and Extra of spec. The caller must close it. Use [TypedMap] to give it the
// types of its keys and values:
//
//	m, err := runtime.CreateMap(&runtime.MapSpec{
//		Name: "blocked", Type: unix.BPF_MAP_TYPE_HASH, KeySize: 4, ValueSize: 8, MaxEntries: 64,
//	})
//	...
//	blocked, err := runtime.TypedMap(m, runtime.NewHashMap[uint32, uint64])
//
// The map can then be put into a map of maps, or passed to [ReuseMap]. As in an object, the sizes
// of ring buffers, and of perf event arrays without one, are adapted to the machine. CreateMap
// cannot create arenas, or maps of maps, for which the kernel needs a template: define these in an
// object. The kernel truncates the name to 15 characters.
func CreateMap(spec *MapSpec) (*Map, error) {
	const op = "create"
	if spec == nil {
		return nil, newMapError("", op, errors.New("the MapSpec is nil"))
	}
	s := MapSpec{
		Name: spec.Name, Type: spec.Type, KeySize: spec.KeySize, ValueSize: spec.ValueSize, Flags: spec.Flags, Extra: spec.Extra,
	}
	switch s.Type {
	case sys.MapTypeArrayOfMaps, sys.MapTypeHashOfMaps, sys.MapTypeArena, sys.MapTypeStructOps:
		return nil, newMapError(s.Name, op, errors.New("not supported for this type of map: define it in an object"))
	}
	n, err := load.FitEntries(load.SizingOf(s.Type), spec.MaxEntries)
	if err != nil {
		return nil, newMapError(s.Name, op, err)
	}
	s.MaxEntries = n
	attr := mapAttr(&s)
	size := unsafe.Offsetof(attr.BtfVmlinuxValueTypeId)
	if s.Extra != 0 { // 5.16
		size = unsafe.Offsetof(attr.ValueTypeBtfObjFd)
	}
	num, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(&attr), size)
	if errno != 0 {
		return nil, newMapError(s.Name, op, errno)
	}
	m := newMap(&s)
	m.fd.set(num)
	return m.closedWhenForgotten(), nil
}

// mapAttr returns the attr for a map that is not created by the loader.
func mapAttr(s *MapSpec) sys.MapCreateAttr {
	attr := sys.MapCreateAttr{
		MapType: s.Type, KeySize: s.KeySize, ValueSize: s.ValueSize, MaxEntries: s.MaxEntries, MapFlags: s.Flags, MapExtra: s.Extra,
	}
	for i := range min(len(s.Name), len(attr.MapName)-1) {
		c := s.Name[i]
		if c != '_' && c != '.' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			c = '_' // the kernel allows no others (bpf_obj_name_cpy)
		}
		attr.MapName[i] = c
	}
	return attr
}
