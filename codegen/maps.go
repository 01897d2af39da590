package codegen

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/plural"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A mapField is the field of Maps for a map.
type mapField struct {
	name  string
	index int
	m     *object.Map
	form  mapForm
	types []btf.Type // type arguments; nil means bytes
	sizes []uint32   // of the type arguments, in bytes
	code  []jen.Code // the type arguments in Go
	// open is the Go type at the start of the records, if an array without a fixed length follows
	// it. Then the records are bytes in Go.
	open string
	// inner describes the maps in a map of maps. It is nil for other maps, and if the object does
	// not define it.
	inner *mapField
}

// collectMaps chooses the Go type of each map, and adds the types it needs.
func (g *generator) collectMaps() error {
	names := scope{}
	fields := make([]*mapField, len(g.obj.Maps))
	// Maps that the source defines get their names before sections.
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
				if err := g.collectMapTypes(f, m.Name); err != nil {
					return fmt.Errorf("map %s: %w", m.Name, err)
				}
			}
			fields[i] = f
		}
	}
	g.maps = fields
	for name := range g.opts.Records {
		known := slices.ContainsFunc(fields, func(f *mapField) bool { return f.m.Name == name && f.form.args == recordOnly })
		if !known {
			return fmt.Errorf("map %s: the object has no ring buffer or perf event array of this name", name)
		}
	}
	return nil
}

// collectMapTypes adds the types in f's type arguments. Types without a name are named after the
// map.
func (g *generator) collectMapTypes(f *mapField, name string) error {
	if f.form = mapForms[f.m.Type]; lacksSize(f.m) {
		f.form = mapForm{}
	}
	if f.form.name != "" {
		if err := checkSizes(f.m); err != nil {
			return err
		}
	}
	use := func(t btf.Type, size uint32, what string) {
		if t != nil {
			if n, err := btf.Sizeof(t); err != nil || uint32(n) != size {
				t = nil
			}
		}
		if t != nil {
			g.types.add(t, nil, name+"_"+what)
		}
		f.types = append(f.types, t)
		f.sizes = append(f.sizes, size)
	}
	switch f.form.args {
	case keyOnly, keyValue, keyInner:
		use(f.m.Key, f.m.KeySize, "key")
	}
	switch f.form.args {
	case valueOnly, keyValue:
		use(f.m.Value, f.m.ValueSize, "value")
	case recordOnly:
		t, err := g.recordType(f.m, name)
		if err != nil || t == nil {
			return err
		}
		size, err := btf.Sizeof(t)
		if err != nil {
			return err
		}
		use(t, uint32(size), "record")
	case innerOnly, keyInner:
		if f.m.Inner == nil {
			f.form = mapForm{}
			return nil
		}
		f.inner = &mapField{m: f.m.Inner}
		return g.collectMapTypes(f.inner, name+"_inner")
	}
	return nil
}

// recordTag is the prefix of a tag in the source that names the type of a map's records:
//
//	struct { ... } events SEC(".maps") __attribute__((btf_decl_tag("record:struct event")));
const recordTag = "record:"

// recordType returns the type of the records in a ring buffer or perf event array, or nil if it is
// unknown. The option for the map takes precedence over a tag, and a tag over __type(value, T) in
// the map's definition, which has no other meaning there.
func (g *generator) recordType(m *object.Map, mapName string) (btf.Type, error) {
	t, err := g.namedRecord(mapName)
	if t != nil || err != nil {
		return t, err
	}
	// Many sources declare the value of a perf event array as an int, a file descriptor.
	if m.Type == sys.MapTypePerfEventArray && m.Value != nil {
		if i, ok := btf.As[*btf.Int](m.Value); ok && i.Size == 4 {
			return nil, nil
		}
	}
	return m.Value, nil
}

// namedRecord returns the type that a flag or a tag names for a map.
func (g *generator) namedRecord(mapName string) (btf.Type, error) {
	if name := g.opts.Records[mapName]; name != "" {
		return g.typeByName(name)
	}
	var section *btf.Datasec
	if g.obj.Types == nil || g.obj.Types.TypeByName(".maps", &section) != nil {
		return nil, nil
	}
	for _, info := range section.Vars {
		v, ok := info.Type.(*btf.Var)
		if !ok || v.Name != mapName {
			continue
		}
		for _, tag := range v.Tags {
			if name, ok := strings.CutPrefix(tag, recordTag); ok {
				return g.typeByName(name)
			}
		}
	}
	return nil, nil
}

// resolveMaps sets the type arguments in Go. Types must have names.
func (g *generator) resolveMaps() error {
	for _, f := range g.maps {
		if err := g.resolveMap(f); err != nil {
			return fmt.Errorf("map %s: %w", f.m.Name, err)
		}
	}
	return nil
}

func (g *generator) resolveMap(f *mapField) error {
	for i, t := range f.types {
		arg := byteArray(f.sizes[i], "")
		if t != nil {
			var err error
			if arg, err = g.types.goType(t); err != nil {
				return err
			}
			if d := g.types.decls[btf.UnderlyingType(t)]; f.form.args == recordOnly && d != nil && d.layout.open() {
				f.open = d.name
			}
		}
		f.code = append(f.code, arg.code)
	}
	if f.raw() {
		f.code = []jen.Code{jen.Index().Byte()}
	}
	if f.inner != nil {
		if err := g.resolveMap(f.inner); err != nil {
			return err
		}
		f.code = append(f.code, f.inner.typ())
	}
	return nil
}

func (g *generator) writeMaps() {
	doc(g.file, "Maps holds the maps of the object.")
	g.file.Type().Id("Maps").StructFunc(func(s *jen.Group) {
		for i, f := range g.maps {
			if i > 0 {
				s.Line()
			}
			doc(s, f.comment())
			s.Id(f.name).Add(f.typ())
		}
	})
}

func (f *mapField) typ() *jen.Statement {
	switch {
	case f.form.name == "":
		return jen.Op("*").Qual(RuntimePath, "Map")
	case len(f.code) == 0:
		return jen.Op("*").Qual(RuntimePath, f.form.name)
	}
	return jen.Op("*").Qual(RuntimePath, f.form.name).Types(f.code...)
}

// make returns the expression for the field's value.
func (f *mapField) make() *jen.Statement {
	handle := jen.Id("core").Dot("Map").Call(jen.Lit(f.index))
	switch {
	case f.form.name == "":
		return handle
	case f.inner != nil:
		return f.constructor().Call(handle, jen.Op("&").Id(f.innerVar()), f.inner.constructor())
	}
	return f.constructor().Call(handle)
}

// constructor returns the function that converts a *runtime.Map to f's type.
func (f *mapField) constructor() *jen.Statement {
	switch {
	case f.form.name == "":
		untyped := jen.Op("*").Qual(RuntimePath, "Map")
		return jen.Func().Params(jen.Id("m").Add(untyped)).Add(untyped).Block(jen.Return(jen.Id("m")))
	case len(f.code) == 0:
		return jen.Qual(RuntimePath, "New"+f.form.name)
	}
	return jen.Qual(RuntimePath, "New"+f.form.name).Types(f.code...)
}

// innerVar returns the name of the variable that describes f's inner maps.
func (f *mapField) innerVar() string { return "inner" + f.name }

// writeInner describes the inner maps of all maps of maps.
func (g *generator) writeInner() {
	for _, f := range g.maps {
		if f.inner == nil {
			continue
		}
		m := f.inner.m
		inner := spec.InnerSpec{
			MapSpec: spec.MapSpec{
				Name: m.Name, Type: m.Type, KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
				Flags: m.Flags, Extra: m.Extra,
			},
			NumaNode: m.NumaNode, KeyTypeID: uint32(m.KeyTypeID), ValueTypeID: uint32(m.ValueTypeID),
		}
		switch {
		case m.SizedByCPUs():
			inner.Sizing = spec.SizeCPUs
		case m.SizedByPages():
			inner.Sizing = spec.SizePages
		}
		doc(g.file, f.innerVar()+" describes the inner maps of map "+f.m.Name+".")
		g.file.Var().Id(f.innerVar()).Op("=").Add(literal(reflect.ValueOf(inner), true))
	}
}

// raw reports whether the records of f are bytes in Go.
func (f *mapField) raw() bool {
	return f.form.args == recordOnly && (len(f.types) == 0 || f.open != "")
}

func (f *mapField) comment() string {
	if f.m.Kind != object.NoData {
		return fmt.Sprintf("%s is the map of section %s.", f.name, f.m.Name)
	}
	text := fmt.Sprintf("%s is map %s of type %s", f.name, f.m.Name, sys.MapTypeName(f.m.Type))
	if n := f.m.MaxEntries; n > 0 {
		unit, units := "entry", "entries"
		if f.m.Type == sys.MapTypeRingBuf || f.m.Type == sys.MapTypeUserRingBuf {
			unit, units = "byte", "bytes"
		}
		text += " with " + plural.Of(int(n), unit, units)
	}
	switch {
	case f.open != "":
		text += fmt.Sprintf("; its records begin with type %s", f.open)
	case f.raw():
		text += "; the type of its records is unknown"
	}
	return text + "."
}
