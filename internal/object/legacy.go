package object

import (
	"bytes"
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// isLegacyMaps reports whether a section holds legacy map definitions. Like cilium/ebpf, it accepts
// each name that begins with "maps".
func (s *section) isLegacyMaps() bool {
	return strings.HasPrefix(s.name, "maps") && s.isProgbits() && !s.isCode()
}

// legacyMapSize is the size of struct bpf_map_def (type, key_size, value_size, max_entries and
// map_flags) in bytes.
const legacyMapSize = 5 * 4

// legacyMaps reads the maps of legacy sections. Each variable is a struct bpf_map_def, whose values
// rather than types define the map. libbpf dropped them in 1.0. cilium/ebpf still supports them
// (loadMaps in its elf_reader.go).
func (r *reader) legacyMaps() ([]*Map, error) {
	var maps []*Map
	for i := range r.elf.sections {
		s := &r.elf.sections[i]
		if !s.isLegacyMaps() || s.size == 0 {
			continue
		}
		found, err := r.legacyMapsIn(s)
		if err != nil {
			return nil, err
		}
		maps = append(maps, found...)
	}
	return maps, nil
}

func (r *reader) legacyMapsIn(s *section) ([]*Map, error) {
	var maps []*Map
	var symbols []*symbol
	for i := range r.elf.symbols {
		sym := &r.elf.symbols[i]
		// Older compilers do not give variables a type.
		if r.elf.sectionOf(sym) == s && sym.name != "" && (sym.typ == elf.STT_OBJECT || sym.typ == elf.STT_NOTYPE) {
			symbols = append(symbols, sym)
		}
	}
	if len(symbols) == 0 {
		return nil, badSection(s.name, "no symbols for the maps in this section: do not strip them")
	}
	slices.SortStableFunc(symbols, func(x, y *symbol) int { return int(min(x.value, s.size)) - int(min(y.value, s.size)) })
	for _, sym := range symbols {
		if r.mapAt[mapPlace{s.index, sym.value}] != nil {
			continue // an alias
		}
		m, err := r.legacyMap(s, sym)
		if err != nil {
			return nil, badSymbol(s.name, sym.name, "%w", err)
		}
		r.mapAt[mapPlace{s.index, sym.value}] = m
		maps = append(maps, m)
	}
	return maps, nil
}

func (r *reader) legacyMap(s *section, sym *symbol) (*Map, error) {
	if sym.value > s.size || sym.size > s.size-sym.value {
		return nil, fmt.Errorf("exceeds the section")
	}
	def := s.data[sym.value:][:sym.size]
	if len(def) < legacyMapSize {
		return nil, fmt.Errorf("definition of %d bytes: struct bpf_map_def has %d", len(def), legacyMapSize)
	}
	if extra := bytes.TrimRight(def[legacyMapSize:], "\x00"); len(extra) > 0 {
		// libbpf and cilium/ebpf reject other members as well, such as those of iproute2's struct
		// bpf_elf_map.
		return nil, fmt.Errorf("definition has more than type, sizes, max_entries and flags: define the map in section %s", mapsSection)
	}
	word := func(i int) uint32 { return r.elf.order.Uint32(def[4*i:]) }
	m := &Map{
		Name: sym.name, KernelName: kernelName(sym.name),
		Type: word(0), KeySize: word(1), ValueSize: word(2), MaxEntries: word(3), Flags: word(4),
	}
	if err := m.checkType(); err != nil {
		return nil, err
	}
	r.annotate(m)
	m.fixSizes()
	m.dropRefusedBTF()
	return m, nil
}

// annotate gives a legacy map the types that BPF_ANNOTATE_KV_PAIR(name, key, value) declares for it
// as struct ____btf_map_name, if the sizes agree.
func (r *reader) annotate(m *Map) {
	var pair *btf.Struct
	if err := r.types.TypeByName("____btf_map_"+m.Name, &pair); err != nil || len(pair.Members) != 2 {
		return
	}
	for _, member := range pair.Members {
		size, err := btf.Sizeof(member.Type)
		id, err2 := r.types.TypeID(member.Type)
		switch {
		case err != nil || err2 != nil:
		case member.Name == "key" && uint32(size) == m.KeySize:
			m.Key, m.KeyTypeID = member.Type, id
		case member.Name == "value" && uint32(size) == m.ValueSize:
			m.Value, m.ValueTypeID = member.Type, id
		}
	}
}
