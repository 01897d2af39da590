package codegen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
)

// hostLayout is the field that makes Go lay a struct out as C does.
func hostLayout() jen.Code {
	return jen.Id("_").Qual("structs", "HostLayout")
}

// structCode is the Go struct for a struct or union.
func (ts *typeSet) structCode(d *decl) (*jen.Statement, error) {
	l, err := ts.layoutOf(d)
	if err != nil {
		return nil, err
	}
	fields, err := ts.fields(l)
	if err != nil {
		return nil, err
	}
	return jen.Struct(fields...), nil
}

// writeAccessors writes the methods for all members that are not fields.
func (ts *typeSet) writeAccessors(f *jen.File, d *decl) error {
	for _, m := range d.layout.members {
		if err := ts.writeAccessor(f, d, m); err != nil {
			return fmt.Errorf("member %s: %w", m.c, err)
		}
	}
	return nil
}

// fields lists the fields of the Go struct.
func (ts *typeSet) fields(l *layout) ([]jen.Code, error) {
	fields := []jen.Code{hostLayout()}
	if l.filler > 0 {
		fields = append(fields, jen.Id("_").Index(jen.Lit(0)).Add(intOfSize(l.filler, false).code).Comment("alignment"))
	}
	for _, p := range l.pieces {
		switch {
		case p.field != nil:
			g, err := ts.goType(p.field.typ)
			if err != nil {
				return nil, err
			}
			field := jen.Id(p.field.name).Add(g.code)
			if note := p.field.note(g); note != "" {
				field.Comment("// " + oneLine(note))
			}
			fields = append(fields, field)
		case p.storage:
			fields = append(fields, jen.Id(storageName(p)).Index(jen.Lit(int(p.size))).Byte())
		default:
			fields = append(fields, jen.Id("_").Index(jen.Lit(int(p.size))).Byte())
		}
	}
	return fields, nil
}

// note is what a field's comment has to say: the type in C where Go does not tell it, and
// the name in C where another member has its name in Go.
func (m *member) note(g goType) string {
	if m.name == goName(m.c) {
		return g.note
	}
	return strings.TrimSpace(g.note + " " + m.c)
}

// storageName is the field that holds what accessors reach. It is not blank, because
// Go leaves blank fields out when it compares.
func storageName(p piece) string {
	return fmt.Sprintf("raw%d", p.offset)
}
