package codegen

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"

	"github.com/dave/jennifer/jen"
)

// verify checks that Go's layout of every struct is that of C. It type-checks the declarations, and
// compares the sizes of types and the offsets and sizes of fields according to go/types, for each
// architecture.
func (ts *typeSet) verify(arches []string) error {
	pkg, err := ts.check()
	if err != nil {
		return fmt.Errorf("check the layout of types: %w", err)
	}
	for _, arch := range arches {
		sizes := types.SizesFor("gc", arch)
		if sizes == nil {
			return fmt.Errorf("check the layout of types: unknown GOARCH %s", arch)
		}
		m := &model{Sizes: sizes, plain: map[*types.Named]types.Type{}}
		for _, d := range ts.order {
			if err := ts.verifyDecl(pkg, m, d); err != nil {
				return fmt.Errorf("%s would not have its C layout on %s: %w", d.what, arch, err)
			}
		}
	}
	return nil
}

func (ts *typeSet) verifyDecl(pkg *types.Package, m *model, d *decl) error {
	obj := pkg.Scope().Lookup(d.name)
	if obj == nil {
		return fmt.Errorf("type %s is not declared", d.name)
	}
	want, err := ts.declType(d)
	if err != nil {
		return err
	}
	if got := m.Sizeof(m.simplify(obj.Type())); got != int64(want.size) {
		return fmt.Errorf("type %s has %d bytes, want %d", d.name, got, want.size)
	}
	s, ok := obj.Type().Underlying().(*types.Struct)
	if !ok || d.layout == nil {
		return nil
	}
	fields := m.fields(s)
	members := map[string]*member{}
	for _, mem := range d.layout.members {
		if mem.access == asField {
			members[mem.name] = mem
		}
	}
	for i, offset := range m.Offsetsof(fields) {
		mem := members[fields[i].Name()]
		if mem == nil {
			continue
		}
		delete(members, mem.name)
		if size := m.Sizeof(fields[i].Type()); offset != int64(mem.start()) || size != int64(mem.size) {
			return fmt.Errorf("field %s has bytes %d to %d, want %d to %d", mem.name, offset, offset+size, mem.start(), mem.end())
		}
	}
	if len(members) > 0 {
		return fmt.Errorf("%d members are missing", len(members))
	}
	return nil
}

// A model is the layout of go/types for an architecture. go/types computes a type again for each
// use, which doubles the work for each level of nested structs, so model passes it simplified
// types.
type model struct {
	types.Sizes
	plain map[*types.Named]types.Type
}

// simplify replaces each struct in a type by integers of the same size and alignment.
func (m *model) simplify(t types.Type) types.Type {
	switch t := types.Unalias(t).(type) {
	case *types.Array:
		return types.NewArray(m.simplify(t.Elem()), t.Len())
	case *types.Named:
		s, ok := t.Underlying().(*types.Struct)
		if !ok {
			return m.simplify(t.Underlying())
		}
		if m.plain[t] == nil {
			m.plain[t] = m.integers(types.NewStruct(m.fields(s), nil))
		}
		return m.plain[t]
	}
	return t
}

// fields returns the fields of a struct, with simplified types.
func (m *model) fields(s *types.Struct) []*types.Var {
	fields := make([]*types.Var, s.NumFields())
	for i := range fields {
		f := s.Field(i)
		fields[i] = types.NewField(f.Pos(), f.Pkg(), f.Name(), m.simplify(f.Type()), false)
	}
	return fields
}

// integers returns an array with the size and alignment of a type.
func (m *model) integers(t types.Type) types.Type {
	elem := types.Typ[types.Uint8]
	for _, kind := range []types.BasicKind{types.Uint16, types.Uint32, types.Uint64} {
		if m.Alignof(types.Typ[kind]) <= m.Alignof(t) && m.Sizeof(t)%m.Sizeof(types.Typ[kind]) == 0 {
			elem = types.Typ[kind]
		}
	}
	return types.NewArray(elem, m.Sizeof(t)/m.Sizeof(elem))
}

// check type-checks the declarations, without their methods.
func (ts *typeSet) check() (*types.Package, error) {
	f := jen.NewFile("layout")
	for _, d := range ts.sorted() {
		code, err := ts.declCode(d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.what, err)
		}
		f.Type().Id(d.name).Add(ts.alias(d)).Add(code)
	}
	f.NoFormat = true
	var source bytes.Buffer
	if err := f.Render(&source); err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", source.Bytes(), parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	conf := types.Config{Importer: hostLayoutImporter{}}
	return conf.Check("layout", fset, []*ast.File{file}, nil)
}

// hostLayoutImporter imports package structs, the only package that declarations of types need.
type hostLayoutImporter struct{}

func (hostLayoutImporter) Import(path string) (*types.Package, error) {
	if path != "structs" {
		return nil, errors.New("unknown package " + path)
	}
	pkg := types.NewPackage(path, "structs")
	name := types.NewTypeName(token.NoPos, pkg, "HostLayout", nil)
	types.NewNamed(name, types.NewStruct(nil, nil), nil)
	pkg.Scope().Insert(name)
	pkg.MarkComplete()
	return pkg, nil
}
