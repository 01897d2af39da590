package codegen

import (
	"fmt"
	"path"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

// A programField is the field of Progs for a program.
type programField struct {
	name  string
	index int
	prog  *object.Program
	kind  string // type in package runtime; "" for the untyped one
}

func (g *generator) collectPrograms() {
	names := scope{}
	for i, p := range g.obj.Programs {
		g.programs = append(g.programs, &programField{
			name:  names.take(goName(p.Name)),
			index: i,
			prog:  p,
			kind:  programKind(p),
		})
	}
}

func (g *generator) writePrograms() {
	doc(g.file, "Progs holds the programs of the object.")
	g.file.Type().Id("Progs").StructFunc(func(s *jen.Group) {
		for i, p := range g.programs {
			if i > 0 {
				s.Line()
			}
			doc(s, p.comment())
			s.Id(p.name).Add(p.typ())
		}
	})
}

func (p *programField) typ() *jen.Statement {
	if p.kind == "" {
		return jen.Op("*").Qual(RuntimePath, "Program")
	}
	return jen.Qual(RuntimePath, p.kind)
}

// make returns the expression for the field's value.
func (p *programField) make() *jen.Statement {
	handle := jen.Id("core").Dot("Program").Call(jen.Lit(p.index))
	if p.kind == "" {
		return handle
	}
	return jen.Qual(RuntimePath, "New"+p.kind).Call(handle)
}

// comment returns the field's comment: the program's name, section and position in C.
func (p *programField) comment() string {
	text := fmt.Sprintf("%s is program %s of section %q", p.name, p.prog.Name, p.prog.Section)
	if p.prog.File != "" {
		text += fmt.Sprintf(", %s:%d", path.Base(strings.ReplaceAll(p.prog.File, "\n", "")), p.prog.Line)
	}
	if !p.prog.AutoLoad {
		text += "; not loaded unless SetAutoLoad enables it"
	}
	return text + "."
}
