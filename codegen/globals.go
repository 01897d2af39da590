package codegen

import (
	"encoding/binary"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

// globalField is the field of Skeleton for one section with global variables.
type globalField struct {
	name  string
	index int
	m     *object.Map
	decl  *decl
}

func bigEndian(obj *object.Object) bool { return obj.ByteOrder == binary.BigEndian }

// maxSection is the largest section whose variables get names in Go: beyond
// it BTF has no number for their place in a struct, in bits.
const maxSection = 1 << 29

// collectGlobals makes a struct of each section that has variables which other C
// files could see. Static ones are the C file's own business, as for bpftool.
func (g *generator) collectGlobals() {
	names := newScope("Maps", "Progs", "Links", "Load", "LoadWith", "Attach", "Detach", "Close", "Core")
	for i, m := range g.obj.Maps {
		if m.Kind == object.NoData || m.ValueSize > maxSection {
			continue
		}
		section := &btf.Struct{Name: m.Name, Size: (m.ValueSize + maxAlign - 1) / maxAlign * maxAlign}
		for _, v := range m.Vars {
			if v.Static || v.Type == nil {
				continue
			}
			if size, err := btf.Sizeof(v.Type); err != nil || v.Offset+uint32(size) > section.Size {
				continue
			}
			section.Members = append(section.Members, btf.Member{Name: v.Name, Type: v.Type, Offset: btf.Bits(v.Offset * 8)})
		}
		if len(section.Members) == 0 {
			continue
		}
		name := names.take(sectionName(m.Name))
		// The memory behind the pointer is whole pages, so the struct may be larger than the section.
		d := &decl{typ: section, c: m.Name, what: "the global variables of section " + m.Name}
		d.name = g.types.scope.take(name + "Section")
		g.types.declareSection(d)
		g.globals = append(g.globals, &globalField{name: name, index: i, m: m, decl: d})
	}
}

func (v *globalField) comment() string {
	text := v.name + " has the global variables of section " + v.m.Name + ": their initial values between Open and Load, " +
		"the kernel's memory from then on, nil after Close. "
	switch v.m.Kind {
	case object.ROData, object.Kconfig:
		return text + "After Load it is read-only: a write is a fault that ends the process."
	}
	return text + "Use sync/atomic for what BPF programs write, or write, at the same time."
}
