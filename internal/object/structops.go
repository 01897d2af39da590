package object

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// StructOps is the value of a map of type BPF_MAP_TYPE_STRUCT_OPS, a struct of functions that the
// kernel calls, as the object has it, before it is converted to the kernel's struct.
type StructOps struct {
	// Type is the struct as the object has it.
	Type *btf.Struct
	// KernelType is the name in the kernel, without the flavor: tcp_congestion_ops for
	// tcp_congestion_ops___v2.
	KernelType string
	// Section is the section of the variable.
	Section string
	// AutoCreate is false for sections that begin with '?'.
	AutoCreate bool
	// Data is the initial value, Type.Size bytes in the object's byte order, with zeros in place of
	// programs.
	Data []byte
	// Programs holds the program of each member of Type. It is nil for data, and for functions that
	// the source does not set.
	Programs []*Program

	section int    // index of the section
	offset  uint32 // of the variable in the section
}

// structOpsSection reports whether a section holds struct_ops: .struct_ops and .struct_ops.link,
// each with or without a leading '?' (libbpf's bpf_object__elf_collect).
func structOpsSection(s *section) bool {
	switch strings.TrimPrefix(s.name, "?") {
	case ".struct_ops", ".struct_ops.link":
		return s.isProgbits() && !s.isCode()
	}
	return false
}

// structOpsMaps returns a map for each variable in these sections (libbpf's init_struct_ops_maps).
func (r *reader) structOpsMaps() ([]*Map, error) {
	var maps []*Map
	for i := range r.elf.sections {
		s := &r.elf.sections[i]
		if !structOpsSection(s) || s.size == 0 {
			continue
		}
		if r.obj.BTF == nil {
			return nil, errNoBTF
		}
		sec, err := r.datasec(s.name)
		if err != nil {
			return nil, err
		}
		if sec == nil {
			return nil, badSection(s.name, "no variables in BTF: compile with -g")
		}
		vars, err := variables(sec)
		if err != nil {
			return nil, badSection(s.name, "%w", err)
		}
		for _, v := range vars {
			m, err := structOpsMap(s, v)
			if err != nil {
				return nil, badSymbol(s.name, v.Name, "%w", err)
			}
			maps = append(maps, m)
		}
	}
	return maps, nil
}

// structOpsMap returns the map of one variable.
func structOpsMap(s *section, v Var) (*Map, error) {
	typ, ok := btf.UnderlyingType(v.Type).(*btf.Struct)
	if !ok || typ.Name == "" {
		return nil, errors.New("not a named struct: the kernel identifies struct_ops by the name of the type")
	}
	if typ.Size == 0 || uint64(v.Offset)+uint64(typ.Size) > s.size {
		return nil, fmt.Errorf("struct %s of %d bytes exceeds its section of %d bytes", clean(typ.Name), typ.Size, s.size)
	}
	section, optional := strings.CutPrefix(s.name, "?")
	kernelType := sys.EssentialName(typ.Name)
	m := &Map{
		Name:       v.Name,
		KernelName: kernelName(v.Name),
		Type:       uint32(ebpf.StructOpsMap),
		KeySize:    4,
		ValueSize:  typ.Size,
		MaxEntries: 1,
		StructOps: &StructOps{
			Type: typ, KernelType: kernelType, Section: s.name, AutoCreate: !optional,
			Data:     bytes.Clone(s.data[v.Offset:][:typ.Size]),
			Programs: make([]*Program, len(typ.Members)),
			section:  s.index, offset: v.Offset,
		},
	}
	if section == ".struct_ops.link" {
		m.Flags = sys.FlagLink
	}
	return m, nil
}

// linkStructOps sets the programs of all structs (libbpf's bpf_object__collect_st_ops_relos), and
// marks the programs that a struct needs to be loaded.
func (r *reader) linkStructOps() error {
	any := false
	for i := range r.elf.sections {
		s := &r.elf.sections[i]
		if s.typ != elf.SHT_REL && s.typ != elf.SHT_RELA || int64(s.info) >= int64(len(r.elf.sections)) {
			continue
		}
		target := &r.elf.sections[s.info]
		if !structOpsSection(target) {
			continue
		}
		if s.typ == elf.SHT_RELA {
			return badSection(s.name, "unsupported relocations: with addends")
		}
		rels, err := r.elf.relocations(s)
		if err != nil {
			return err
		}
		for _, rel := range rels {
			if err := r.linkMember(target, rel); err != nil {
				return err
			}
		}
		any = true
	}
	for _, m := range r.obj.Maps {
		if m.StructOps == nil {
			continue
		}
		if err := m.StructOps.check(); err != nil {
			return badSymbol(m.StructOps.Section, m.Name, "%w", err)
		}
	}
	if any {
		r.loadUsedOperations()
	}
	return nil
}

// linkMember sets the program of the member that a relocation is for.
func (r *reader) linkMember(s *section, rel relocation) error {
	var in *Map
	for _, m := range r.obj.Maps {
		if ops := m.StructOps; ops != nil && ops.section == s.index && rel.off >= uint64(ops.offset) && rel.off < uint64(ops.offset)+uint64(ops.Type.Size) {
			in = m
		}
	}
	if in == nil {
		return badSection(s.name, "relocation at offset %d, which is not in a struct", rel.off)
	}
	ops := in.StructOps
	at := uint32(rel.off) - ops.offset
	bad := func(format string, args ...any) error { return badSymbol(s.name, in.Name, format, args...) }
	i := ops.memberAt(at)
	if i < 0 {
		return bad("relocation at offset %d of struct %s, where no member begins", at, clean(ops.Type.Name))
	}
	member := clean(ops.Type.Members[i].Name)
	if !IsFunctionPointer(ops.Type.Members[i].Type) {
		return bad("member %s: refers to %s, but is not a function pointer", member, clean(r.elf.symbolName(rel.sym)))
	}
	if at+8 > ops.Type.Size {
		return bad("member %s: exceeds the struct", member)
	}
	code := r.elf.sectionOf(rel.sym)
	// For a static function the symbol is that of the section, and the data has the offset.
	off := rel.sym.value + r.obj.ByteOrder.Uint64(ops.Data[at:])
	if code == nil || off%InsnSize != 0 {
		return bad("member %s: %s is not a program", member, clean(r.elf.symbolName(rel.sym)))
	}
	p := r.programAt[place{code.index, int(off / InsnSize)}]
	if p == nil {
		return bad("member %s: %s is not a program of this object", member, clean(r.elf.symbolName(rel.sym)))
	}
	if p.Type != sys.ProgTypeStructOps {
		return bad("member %s: program %s is in section %q, not in struct_ops/%s", member, clean(p.Name), clean(p.Section), member)
	}
	clear(ops.Data[at:][:8])
	ops.Programs[i] = p
	return nil
}

// memberAt returns the index of the member at a byte offset, or -1.
func (s *StructOps) memberAt(at uint32) int {
	for i, m := range s.Type.Members {
		if m.BitfieldSize == 0 && m.Offset.Bytes() == at {
			return i
		}
	}
	return -1
}

// check returns an error if a pointer has a number as its value, which no kernel accepts.
func (s *StructOps) check() error {
	for i, m := range s.Type.Members {
		if _, ok := btf.As[*btf.Pointer](m.Type); !ok || s.Programs[i] != nil {
			continue
		}
		at := uint64(m.Offset.Bytes())
		if at+8 > uint64(len(s.Data)) {
			return fmt.Errorf("member %s: exceeds the struct", clean(m.Name))
		}
		if r := s.Data[at:][:8]; !bytes.Equal(r, make([]byte, 8)) {
			return fmt.Errorf("member %s: pointer is neither a program nor NULL", clean(m.Name))
		}
	}
	return nil
}

// IsFunctionPointer reports whether a member of struct_ops may be set to a program.
func IsFunctionPointer(t btf.Type) bool {
	ptr, ok := btf.As[*btf.Pointer](t)
	if !ok {
		return false
	}
	_, ok = btf.As[*btf.FuncProto](ptr.Target)
	return ok
}

// loadUsedOperations makes a program load if a struct that is created has it, and not if only other
// structs have it (libbpf's bpf_object_adjust_struct_ops_autoload). For programs that are in no
// struct, the section decides.
func (r *reader) loadUsedOperations() {
	used := make(map[*Program]bool)
	for _, m := range r.obj.Maps {
		if m.StructOps == nil {
			continue
		}
		for _, p := range m.StructOps.Programs {
			if p != nil {
				used[p] = used[p] || m.StructOps.AutoCreate
			}
		}
	}
	for p, load := range used {
		p.AutoLoad = load
	}
}
