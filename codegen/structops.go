package codegen

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

// A structOpsField is the field of StructOps for a struct_ops map.
type structOpsField struct {
	m    *mapField
	typ  *opsType
	link string // name of its field of Links
}

// An opsType is a struct_ops type in Go. Its layout is not that of C, since its functions are
// programs.
type opsType struct {
	name    string // in Go
	typ     *btf.Struct
	members []opsMember
}

// An opsMember is a member of a struct_ops type.
type opsMember struct {
	name     string // in Go; "" for pointers to data and bit-fields, which have no field
	c        string
	function bool
	typ      btf.Type
}

// collectStructOps finds the struct_ops maps, and adds the types of their data.
func (g *generator) collectStructOps() {
	for _, m := range g.maps {
		ops := m.m.StructOps
		if ops == nil {
			continue
		}
		g.structOps = append(g.structOps, &structOpsField{m: m, typ: g.opsType(ops)})
	}
}

// opsType returns the Go type of a struct_ops map. Maps of the same C type share it.
func (g *generator) opsType(ops *object.StructOps) *opsType {
	for _, f := range g.structOps {
		if g.types.sameType(f.typ.typ, ops.Type) {
			return f.typ
		}
	}
	t := &opsType{typ: ops.Type}
	names := scope{}
	for _, m := range ops.Type.Members {
		member := opsMember{c: m.Name, typ: m.Type, function: object.IsFunctionPointer(m.Type)}
		_, isPointer := btf.As[*btf.Pointer](m.Type)
		size, err := btf.Sizeof(m.Type)
		if m.Name != "" && (member.function || !isPointer && m.BitfieldSize == 0 && err == nil && size > 0) {
			member.name = names.take(goName(m.Name))
		}
		if member.name != "" && !member.function {
			g.types.add(m.Type, nil, ops.Type.Name+"_"+m.Name)
		}
		t.members = append(t.members, member)
	}
	return t
}

// nameStructOps names the struct_ops types, after all C types.
func (g *generator) nameStructOps() {
	for _, f := range g.structOps {
		if f.typ.name == "" {
			f.typ.name = g.types.scope.take(goName(f.typ.typ.Name), goName(f.typ.typ.Name)+"Operations")
		}
	}
	links := scope{}
	for _, p := range g.programs {
		if p.attachable() {
			links.take(p.name)
		}
	}
	for _, f := range g.structOps {
		f.link = links.take(f.m.name, f.m.name+"Map")
	}
}

// writeStructOps writes the struct_ops types, and the offsets of their fields for the runtime.
//
//	type StructOps struct {
//		Cubic TCPCongestionOps
//	}
//
//	type TCPCongestionOps struct {
//		Ssthresh runtime.StructOpsProgram
//		Flags    uint32
//	}
//
//	var fieldsOfTCPCongestionOps = []uintptr{unsafe.Offsetof(TCPCongestionOps{}.Ssthresh), ...}
func (g *generator) writeStructOps() error {
	if len(g.structOps) == 0 {
		return nil
	}
	f := g.file
	doc(f, "StructOps holds the values of the object's struct_ops maps for Load.")
	f.Type().Id("StructOps").StructFunc(func(s *jen.Group) {
		for i, ops := range g.structOps {
			if i > 0 {
				s.Line()
			}
			doc(s, fmt.Sprintf("%s is struct %s %s of section %s. Until Load, its data can be changed, and its functions can be set to other programs or cleared.",
				ops.m.name, ops.typ.typ.Name, ops.m.m.Name, ops.m.m.StructOps.Section))
			s.Id(ops.m.name).Id(ops.typ.name)
		}
	})
	written := map[*opsType]bool{}
	for _, ops := range g.structOps {
		if written[ops.typ] {
			continue
		}
		written[ops.typ] = true
		if err := g.writeOpsType(ops.typ); err != nil {
			return fmt.Errorf("struct %s: %w", ops.typ.typ.Name, err)
		}
	}
	return nil
}

func (g *generator) writeOpsType(t *opsType) error {
	var fields, offsets []jen.Code
	for _, m := range t.members {
		if m.name == "" {
			offsets = append(offsets, jen.Qual(RuntimePath, "NoField"))
			continue
		}
		offsets = append(offsets, jen.Qual("unsafe", "Offsetof").Call(jen.Id(t.name).Values().Dot(m.name)))
		if m.function {
			fields = append(fields, jen.Id(m.name).Qual(RuntimePath, "StructOpsProgram").Comment("// "+oneLine(cName(m.typ))))
			continue
		}
		typ, err := g.types.goType(m.typ)
		if err != nil {
			return fmt.Errorf("member %s: %w", m.c, err)
		}
		field := jen.Id(m.name).Add(typ.code)
		if typ.note != "" {
			field.Comment("// " + oneLine(typ.note))
		}
		fields = append(fields, field)
	}
	doc(g.file, fmt.Sprintf("%s is struct %s, whose functions the kernel calls. Its programs are those of Progs. A zero value leaves out the function.",
		t.name, t.typ.Name))
	g.file.Type().Id(t.name).Struct(fields...)
	doc(g.file, fmt.Sprintf("%s holds the offsets of the members of struct %s in %s.", t.fieldsVar(), t.typ.Name, t.name))
	g.file.Var().Id(t.fieldsVar()).Op("=").Index().Uintptr().Custom(multiLine, offsets...)
	return nil
}

func (t *opsType) fieldsVar() string { return "fieldsOf" + t.name }

// bindStructOps writes the code that binds the struct_ops maps and their values to the skeleton.
//
//	ops := runtime.StructOpsOf(core)
//	s.Maps.Cubic = ops.Map(3)
//	ops.Bind(s.Maps.Cubic, unsafe.Pointer(&s.StructOps.Cubic), fieldsOfTCPCongestionOps)
func (g *generator) bindStructOps(b *jen.Group) {
	if len(g.structOps) == 0 {
		return
	}
	b.Id("ops").Op(":=").Qual(RuntimePath, "StructOpsOf").Call(jen.Id("core"))
	for _, ops := range g.structOps {
		field := jen.Id("s").Dot("Maps").Dot(ops.m.name)
		b.Add(field).Op("=").Id("ops").Dot("Map").Call(jen.Lit(ops.m.index))
		b.Id("ops").Dot("Bind").Call(field, jen.Qual("unsafe", "Pointer").Call(jen.Op("&").Id("s").Dot("StructOps").Dot(ops.m.name)), jen.Id(ops.typ.fieldsVar()))
	}
}
