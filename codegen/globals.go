package codegen

import (
	"encoding/binary"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

// A globalField is the field of Skeleton for a section with global variables.
type globalField struct {
	name  string
	place string // "section .bss", or the arena
	index int
	m     *object.Map
	decl  *decl
}

func bigEndian(obj *object.Object) bool { return obj.ByteOrder == binary.BigEndian }

// maxSection is the largest section whose variables are accessible in Go. Beyond it, BTF cannot
// represent an offset in a struct in bits.
const maxSection = 1 << 29

// collectGlobals makes a struct of each section with variables that are visible to other C files.
// Like bpftool, it ignores static variables.
func (g *generator) collectGlobals() {
	names := newScope("Maps", "Progs", "Links", "Load", "LoadWith", "Attach", "Detach", "Close", "Core")
	if g.spec.StructOps != 0 {
		names.take("StructOps")
	}
	for i, m := range g.obj.Maps {
		name, place, size := sectionName(m.Name), "section "+m.Name, m.ValueSize
		if m.Kind == object.NoData {
			// This is an arena, since other maps have no variables. Like bpftool, name the field
			// after it.
			name, place, size = goName(m.Name), "arena "+m.Name, uint32(len(m.Data))
		}
		if size > maxSection || m.Managed {
			continue // too large for Go, or the kernel refuses to map it
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
		// The mapped memory consists of whole pages, so the struct may be larger than the section.
		d := &decl{typ: section, c: m.Name, what: "the global variables of " + place}
		d.name = g.types.scope.take(name + "Section")
		g.types.declareSection(d)
		g.globals = append(g.globals, &globalField{name: name, place: place, index: i, m: m, decl: d})
	}
}

// readsKconfig reports whether the object has variables whose values are in the kernel's
// configuration.
func (g *generator) readsKconfig() bool {
	return strings.Contains(g.spec.Kconfig, " CONFIG_")
}

func (v *globalField) comment() string {
	text := v.name + " points to the global variables of " + v.place + ": to their initial values between Open and Load, " +
		"and to the kernel's memory after Load. It is nil after Close. "
	switch v.m.Kind {
	case object.Kconfig:
		return v.name + " points to the __kconfig variables of " + v.place + ", which describe the running kernel and its configuration, as far as they are " +
			"known after Open. Load determines the others, and uses values that were changed between Open and Load. It is nil after Close. " +
			"After Load the memory is read-only: a write crashes the process."
	case object.ROData:
		return text + "After Load the memory is read-only: a write crashes the process."
	case object.NoData:
		text += "Load changes the pointer: do not use a copy made before. "
	}
	return text + "Use sync/atomic for variables that BPF programs access concurrently."
}
