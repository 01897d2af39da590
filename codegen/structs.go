package codegen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
)

// hostLayout returns the field that makes Go use the layout of C for a struct.
func hostLayout() jen.Code {
	return jen.Id("_").Qual("structs", "HostLayout")
}

// structCode returns the Go struct for a struct or union.
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

// fields returns the fields of the Go struct.
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

// note returns the comment of a field: the C type if the Go type does not show it, and the C name
// if another member has its name in Go.
func (m *member) note(g goType) string {
	if m.name == goName(m.c) {
		return g.note
	}
	return strings.TrimSpace(g.note + " " + m.c)
}

// storageName returns the name of the field with the storage of accessors. It is not blank, because
// Go ignores blank fields in comparisons.
func storageName(p piece) string {
	return fmt.Sprintf("raw%d", p.offset)
}
