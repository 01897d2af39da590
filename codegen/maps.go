package codegen

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

// mapField is the field of Maps for one map.
type mapField struct {
	name  string
	index int
	m     *object.Map
	form  mapForm
	types []btf.Type // type arguments; nil stands for bytes
	sizes []uint32   // of the type arguments, in bytes
	code  []jen.Code // the type arguments in Go
}

// collectMaps chooses the Go form of each map, and adds the types it needs.
func (g *generator) collectMaps() {
	names := scope{}
	fields := make([]*mapField, len(g.obj.Maps))
	// Maps that the source names come before sections when it comes to names.
	for _, data := range []bool{false, true} {
		for i, m := range g.obj.Maps {
			if (m.Kind != object.NoData) != data {
				continue
			}
			f := &mapField{index: i, m: m}
			if data {
				f.name = names.take(sectionName(m.Name), sectionName(m.Name)+"Section")
			} else {
				f.name = names.take(goName(m.Name))
				f.form = mapForms[m.Type]
				g.collectMapTypes(f)
			}
			fields[i] = f
		}
	}
	g.maps = fields
}

func (g *generator) collectMapTypes(f *mapField) {
	use := func(t btf.Type, size uint32, what string) {
		if t != nil {
			if n, err := btf.Sizeof(t); err != nil || uint32(n) != size {
				t = nil
			}
		}
		if t != nil {
			g.types.add(t, nil, f.m.Name+"_"+what)
		}
		f.types = append(f.types, t)
		f.sizes = append(f.sizes, size)
	}
	if f.form.key {
		use(f.m.Key, f.m.KeySize, "key")
	}
	if f.form.value {
		use(f.m.Value, f.m.ValueSize, "value")
	}
}

// resolveMaps turns the type arguments into Go, once types have names.
func (g *generator) resolveMaps() error {
	for _, f := range g.maps {
		for i, t := range f.types {
			arg := byteArray(f.sizes[i], "")
			if t != nil {
				var err error
				if arg, err = g.types.goType(t); err != nil {
					return fmt.Errorf("map %s: %w", f.m.Name, err)
				}
			}
			f.code = append(f.code, arg.code)
		}
	}
	return nil
}

func (g *generator) writeMaps() {
	doc(g.file, "Maps are the maps of the object.")
	g.file.Type().Id("Maps").StructFunc(func(s *jen.Group) {
		for i, f := range g.maps {
			if i > 0 {
				s.Line()
			}
			s.Comment(f.comment())
			s.Id(f.name).Add(f.typ())
		}
	})
}

func (f *mapField) typ() *jen.Statement {
	if f.form.name == "" {
		return jen.Op("*").Qual(RuntimePath, "Map")
	}
	return jen.Qual(RuntimePath, f.form.name).Types(f.code...)
}

// make is the expression that makes the field's value.
func (f *mapField) make() *jen.Statement {
	handle := jen.Id("core").Dot("Map").Call(jen.Lit(f.index))
	if f.form.name == "" {
		return handle
	}
	return jen.Qual(RuntimePath, "New"+f.form.name).Types(f.code...).Call(handle)
}

func (f *mapField) comment() string {
	if f.m.Kind != object.NoData {
		return fmt.Sprintf("%s is the map of section %s.", f.name, f.m.Name)
	}
	text := fmt.Sprintf("%s is map %s of type %s", f.name, f.m.Name, MapTypeName(f.m.Type))
	if n := f.m.MaxEntries; n > 0 {
		text += " with " + plural(int(n), "entry", "entries")
	}
	return text + "."
}
