package codegen

import (
	"encoding/binary"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

// globalField is the field of Skeleton for one section with global variables.
type globalField struct {
	name  string
	place string // "section .bss", or the arena that begins with them
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
	if g.spec.StructOps != 0 {
		names.take("StructOps")
	}
	for i, m := range g.obj.Maps {
		name, place, size := sectionName(m.Name), "section "+m.Name, m.ValueSize
		if m.Kind == object.NoData {
			// An arena; other maps have no variables. It gives them its name, as for bpftool.
			name, place, size = goName(m.Name), "arena "+m.Name, uint32(len(m.Data))
		}
		if size > maxSection || m.Managed {
			continue // too large for Go, or the kernel lets nobody map it
		}
		section := &btf.Struct{Name: m.Name, Size: (size + maxAlign - 1) / maxAlign * maxAlign}
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
		name = names.take(name)
		// The memory behind the pointer is whole pages, so the struct may be larger than the
		// section.
		d := &decl{typ: section, c: m.Name, what: "the global variables of " + place}
		d.name = g.types.scope.take(name + "Section")
		g.types.declareSection(d)
		g.globals = append(g.globals, &globalField{name: name, place: place, index: i, m: m, decl: d})
	}
}

// readsKconfig reports whether the object has variables whose values are in a kernel's
// configuration.
func (g *generator) readsKconfig() bool {
	return strings.Contains(g.spec.Kconfig, " CONFIG_")
}

func (v *globalField) comment() string {
	text := v.name + " has the global variables of " + v.place + ": their initial values between Open and Load, " +
		"the kernel's memory from then on, nil after Close. "
	switch v.m.Kind {
	case object.Kconfig:
		return v.name + " has the variables of " + v.place + ": what this machine's kernel is and how it was configured, as far as that can be found " +
			"out, from Open on, and nil after Close. What is changed between Open and Load is what Load loads, which finds out the rest. " +
			"After Load it is read-only: a write is a fault that ends the process."
	case object.ROData:
		return text + "After Load it is read-only: a write is a fault that ends the process."
	case object.NoData:
		text += "Load changes the pointer: a copy from before is not to be used any more. "
	}
	return text + "Use sync/atomic for variables that BPF programs use at the same time."
}
