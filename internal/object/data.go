package object

import (
	"bytes"
	"cmp"
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// dataKind returns the kind of global data in a section, by libbpf's rules
// (bpf_object__elf_collect).
func dataKind(s *section) DataKind {
	is := func(name string) bool { return s.name == name || strings.HasPrefix(s.name, name+".") }
	switch {
	case s.isBSS() && is(".bss"):
		return BSS
	case !s.isProgbits() || s.isCode():
		return NoData
	case is(".data"):
		return Data
	case is(".rodata"):
		return ROData
	}
	return NoData
}

// hasGlobals reports whether a section holds global variables, including those of the arena.
func hasGlobals(s *section) bool { return dataKind(s) != NoData || s.name == arenaSection }

// dataMap returns the map for a section's global data, an array of one element (libbpf's
// bpf_object__init_internal_map).
func (r *reader) dataMap(kind DataKind, name string, size uint64, data []byte) (*Map, error) {
	if size > maxValueSize {
		return nil, badSection(name, "too large: %d bytes", size)
	}
	m := &Map{
		Name:       name,
		KernelName: dataMapName(r.obj.Name, name),
		Type:       uint32(ebpf.Array),
		KeySize:    4,
		ValueSize:  uint32(size),
		MaxEntries: 1,
		// libbpf before 1.1 did the same. Later versions omit the flag if all variables are static
		// or have no BTF, because their skeletons do not expose them (map_is_mmapable). The kernel
		// does not care.
		Flags: sys.FlagMmapable,
		Kind:  kind,
	}
	if kind != BSS {
		m.Data = bytes.Clone(data)
	}
	if kind == ROData || kind == Kconfig {
		m.Flags |= sys.FlagRdonlyProg
	}
	sec, vars, err := r.variablesOf(name, size)
	m.Vars = vars
	if sec == nil || err != nil {
		return m, err
	}
	m.Value = sec
	m.Managed = isManaged(sec)
	if m.ValueTypeID, err = r.types.TypeID(sec); err != nil {
		return nil, badSection(name, "%w", err)
	}
	return m, nil
}

// variablesOf returns the BTF and the variables of a data section of that size. Sections that the
// compiler adds, such as .rodata.str1.1, have no BTF.
func (r *reader) variablesOf(name string, size uint64) (*btf.Datasec, []Var, error) {
	if r.obj.BTF == nil {
		return nil, r.untypedVariables(name, size), nil
	}
	sec, err := r.datasec(name)
	if sec == nil || err != nil {
		return nil, nil, err
	}
	if uint64(sec.Size) != size {
		return nil, nil, badSection(name, "%d bytes in BTF, %d in ELF", sec.Size, size)
	}
	vars, err := variables(sec)
	if err != nil {
		return nil, nil, badSection(name, "%w", err)
	}
	return sec, vars, nil
}

// untypedVariables returns the variables of a section from its symbols, for objects without BTF.
// They have a size but no type.
func (r *reader) untypedVariables(section string, size uint64) []Var {
	var vars []Var
	seen := make(map[uint64]bool)
	for i := range r.elf.symbols {
		sym := &r.elf.symbols[i]
		s := r.elf.sectionOf(sym)
		if s == nil || s.name != section || sym.typ != elf.STT_OBJECT || sym.name == "" || sym.size == 0 || seen[sym.value] ||
			sym.value > size || sym.size > size-sym.value {
			continue
		}
		seen[sym.value] = true
		vars = append(vars, Var{
			Name: sym.name, Offset: uint32(sym.value), Size: uint32(sym.size), Static: !sym.isGlobal() || sym.isHidden(),
			Type: &btf.Array{Index: &btf.Int{Size: 4}, Type: &btf.Int{Size: 1, Encoding: btf.Unsigned}, Nelems: uint32(sym.size)},
		})
	}
	slices.SortStableFunc(vars, func(x, y Var) int { return cmp.Compare(x.Offset, y.Offset) })
	return vars
}

// datasec returns the data section of that name in BTF, or nil.
func (r *reader) datasec(name string) (*btf.Datasec, error) {
	id := r.datasecs[name]
	if id == 0 {
		return nil, nil
	}
	t, err := r.types.TypeByID(id)
	if err != nil {
		return nil, badSection(name, "BTF: %w", err)
	}
	return t.(*btf.Datasec), nil
}

func variables(sec *btf.Datasec) ([]Var, error) {
	vars := make([]Var, 0, len(sec.Vars))
	for _, info := range sec.Vars {
		v, ok := info.Type.(*btf.Var)
		if !ok {
			return nil, fmt.Errorf("BTF: %v in a data section is not a variable", info.Type)
		}
		if uint64(info.Offset)+uint64(info.Size) > uint64(sec.Size) {
			return nil, fmt.Errorf("variable %s exceeds the section", clean(v.Name))
		}
		vars = append(vars, Var{
			Name:   v.Name,
			Offset: info.Offset,
			Size:   info.Size,
			Type:   v.Type,
			Static: v.Linkage == btf.StaticVar,
		})
	}
	return vars, nil
}

// dataMapName returns the kernel's name of a global data map: the name of the object followed by
// that of the section, in 15 bytes. The section's name comes first in getting space, and the
// object's gets what is left, at most 8 bytes. The name of a section with more than one dot stands
// alone (libbpf's internal_map_name).
func dataMapName(object, section string) string {
	const most = sys.ObjNameLen - 1
	suffix := min(max(7, len(section)), most)
	prefix := min(most-suffix, len(object))
	if strings.Contains(section[1:], ".") {
		prefix = 0
	}
	name := []byte(object[:prefix] + section[:min(suffix, len(section))])
	for i, c := range name {
		alnum := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !alnum && c != '_' && c != '.' {
			name[i] = '_'
		}
	}
	return string(name)
}
