package object

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// A mapPlace is the start of a map definition.
type mapPlace struct {
	section int
	off     uint64
}

// A mapVar is the place of a map definition in section .maps.
type mapVar struct {
	m          *Map
	def        *btf.Struct
	begin, end uint64
}

// readSlots reads the initial entries of maps of maps and program arrays. Each element of their
// member values that is not zero has a relocation (libbpf's bpf_object__collect_map_relos).
func (r *reader) readSlots() error {
	for i := range r.elf.sections {
		s := &r.elf.sections[i]
		if s.typ != elf.SHT_REL || r.maps == nil || int64(s.info) != int64(r.maps.index) {
			continue
		}
		rels, err := r.elf.relocations(s)
		if err != nil {
			return err
		}
		for _, rel := range rels {
			if err := r.readSlot(rel); err != nil {
				return err
			}
		}
	}
	for _, v := range r.mapVars {
		v.m.sortSlots()
	}
	return nil
}

func (r *reader) readSlot(rel relocation) error {
	const ptrSize = 8
	// The variables are sorted by offset.
	i, found := slices.BinarySearchFunc(r.mapVars, rel.off, func(v mapVar, off uint64) int { return cmp.Compare(v.begin, off) })
	if !found {
		i--
	}
	if i < 0 || rel.off >= r.mapVars[i].end || r.mapVars[i].end-rel.off < ptrSize {
		return badSection(mapsSection, "relocation at offset %d, which is not in a map definition", rel.off)
	}
	v := r.mapVars[i]
	bad := func(err error) error {
		return badSymbol(mapsSection, v.m.Name, "%s: %w", clean(r.elf.symbolName(rel.sym)), err)
	}
	if rel.typ != relocABS64 && rel.typ != relocLdImm64 {
		return bad(fmt.Errorf("unsupported relocation of type %d", rel.typ))
	}
	if len(v.def.Members) == 0 {
		return bad(errors.New("unsupported relocation"))
	}
	values := v.def.Members[len(v.def.Members)-1]
	first := v.begin + uint64(values.Offset.Bytes())
	if values.Name != "values" || rel.off < first || (rel.off-first)%ptrSize != 0 {
		return bad(errors.New("unsupported relocation outside the member values"))
	}
	slot := Slot{Index: uint32((rel.off - first) / ptrSize)}
	// For static targets the symbol is that of the section, and the offset is in place of the
	// address.
	var addend uint64
	if uint64(len(r.maps.data)) == r.maps.size {
		addend = r.elf.order.Uint64(r.maps.data[rel.off:])
	}
	var err error
	if typ := ebpf.MapType(v.m.Type); isMapOfMaps(typ) {
		slot.Map, err = r.slotMap(v.m, rel.sym, addend)
	} else {
		slot.Program, err = r.slotProgram(rel.sym, addend)
	}
	if err != nil {
		return bad(err)
	}
	v.m.Slots = append(v.m.Slots, slot)
	return nil
}

func (r *reader) slotMap(outer *Map, sym *symbol, addend uint64) (*Map, error) {
	m := r.mapAt[mapPlace{int(sym.section), sym.value + addend}]
	if m == nil {
		return nil, errors.New("not a map of this object")
	}
	if ebpf.MapType(outer.Type) == ebpf.HashOfMaps && outer.KeySize != 4 {
		return nil, fmt.Errorf("initialized by index, but the map's keys have %d bytes: want 4", outer.KeySize)
	}
	return m, nil
}

func (r *reader) slotProgram(sym *symbol, addend uint64) (*Program, error) {
	s := r.elf.sectionOf(sym)
	if s == nil {
		return nil, errors.New("undefined")
	}
	off := sym.value + addend
	p := r.programAt[place{s.index, int(off / InsnSize)}]
	if p == nil || off%InsnSize != 0 {
		return nil, errors.New("not a program of this object")
	}
	return p, nil
}

// sortSlots sorts the slots by index. Of several with the same index it keeps the last.
func (m *Map) sortSlots() {
	slices.SortStableFunc(m.Slots, func(x, y Slot) int { return cmp.Compare(x.Index, y.Index) })
	out := m.Slots[:0]
	for i, slot := range m.Slots {
		if i+1 == len(m.Slots) || m.Slots[i+1].Index != slot.Index {
			out = append(out, slot)
		}
	}
	m.Slots = out
}
