package sameload

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// mapDefs is what must be known about an object's map definitions before it is loaded.
type mapDefs map[string]mapDef

type mapDef struct {
	// entriesByCPUs reports whether the number of CPUs of the loading machine determines the number
	// of entries.
	entriesByCPUs bool
	// unsafeInLoader reports whether a loader program must not create the map: see the package
	// comment.
	unsafeInLoader bool
}

func (d mapDefs) unsafeInLoader() bool {
	for _, def := range d {
		if def.unsafeInLoader {
			return true
		}
	}
	return false
}

// readMapDefs reads the map definitions in an object's BTF. An object without BTF has none.
func readMapDefs(obj string) (mapDefs, error) {
	spec, err := btf.LoadSpec(obj)
	if err != nil {
		return nil, err
	}
	var sec *btf.Datasec
	if err := spec.TypeByName(".maps", &sec); err != nil {
		return mapDefs{}, nil
	}
	defs := mapDefs{}
	for _, v := range sec.Vars {
		variable, ok := v.Type.(*btf.Var)
		if !ok {
			continue
		}
		def, ok := btf.UnderlyingType(variable.Type).(*btf.Struct)
		if !ok {
			continue
		}
		typ := ebpf.MapType(attribute(def, "type"))
		defs[variable.Name] = mapDef{
			entriesByCPUs:  typ == ebpf.PerfEventArray && attribute(def, "max_entries") == 0,
			unsafeInLoader: unsafeTypes[typ],
		}
	}
	return defs, nil
}

// unsafeTypes are local storage maps, and arenas, which must be mapped before any program is
// loaded.
var unsafeTypes = map[ebpf.MapType]bool{
	ebpf.SkStorage: true, ebpf.InodeStorage: true, ebpf.TaskStorage: true,
	ebpf.MapType(32): true, // BPF_MAP_TYPE_CGRP_STORAGE
	ebpf.MapType(33): true, // BPF_MAP_TYPE_ARENA
}

// attribute returns a number in a map definition: the length of an array that the member points to.
func attribute(def *btf.Struct, name string) uint32 {
	for _, m := range def.Members {
		if m.Name != name {
			continue
		}
		if p, ok := btf.UnderlyingType(m.Type).(*btf.Pointer); ok {
			if a, ok := btf.UnderlyingType(p.Target).(*btf.Array); ok {
				return a.Nelems
			}
		}
	}
	return 0
}
