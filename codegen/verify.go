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

// verify checks that Go lays out every struct as C does: it type-checks the declarations as they
// will be written and asks Go's own compiler model, for each architecture, for the size
// of each type and the offset and size of each field.
func (ts *typeSet) verify(arches []string) error {
	pkg, err := ts.check()
	if err != nil {
		return fmt.Errorf("check the layout of types: %w", err)
	}
	for _, arch := range arches {
		sizes := types.SizesFor("gc", arch)
		if sizes == nil {
			return fmt.Errorf("check the layout of types: Go has no architecture %s", arch)
		}
		for _, d := range ts.order {
			if err := ts.verifyDecl(pkg, sizes, d); err != nil {
				return fmt.Errorf("%s would not have the layout of C on %s: %w", d.what, arch, err)
			}
		}
	}
	return nil
}

func (ts *typeSet) verifyDecl(pkg *types.Package, sizes types.Sizes, d *decl) error {
	obj := pkg.Scope().Lookup(d.name)
	if obj == nil {
		return fmt.Errorf("type %s is not declared", d.name)
	}
	want, err := ts.declType(d)
	if err != nil {
		return err
	}
	if got := sizes.Sizeof(obj.Type()); got != int64(want.size) {
		return fmt.Errorf("type %s has %d bytes, not %d", d.name, got, want.size)
	}
	s, ok := obj.Type().Underlying().(*types.Struct)
	if !ok || d.layout == nil {
		return nil
	}
	members := map[string]*member{}
	for _, m := range d.layout.members {
		if m.access == asField {
			members[m.name] = m
		}
	}
	fields := make([]*types.Var, s.NumFields())
	for i := range fields {
		fields[i] = s.Field(i)
	}
	for i, offset := range sizes.Offsetsof(fields) {
		m := members[fields[i].Name()]
		if m == nil {
			continue
		}
		delete(members, m.name)
		if size := sizes.Sizeof(fields[i].Type()); offset != int64(m.start()) || size != int64(m.size) {
			return fmt.Errorf("field %s has bytes %d to %d, not %d to %d", m.name, offset, offset+size, m.start(), m.end())
		}
	}
	if len(members) > 0 {
		return fmt.Errorf("%d members are missing", len(members))
	}
	return nil
}

// check type-checks the declarations, without their methods.
func (ts *typeSet) check() (*types.Package, error) {
	f := jen.NewFile("layout")
	for _, d := range ts.sorted() {
		code, err := ts.declCode(d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.what, err)
		}
		f.Type().Id(d.name).Add(code)
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

// hostLayoutImporter knows package structs, the only one that declarations of types import.
type hostLayoutImporter struct{}

func (hostLayoutImporter) Import(path string) (*types.Package, error) {
	if path != "structs" {
		return nil, errors.New("not known: " + path)
	}
	pkg := types.NewPackage(path, "structs")
	name := types.NewTypeName(token.NoPos, pkg, "HostLayout", nil)
	types.NewNamed(name, types.NewStruct(nil, nil), nil)
	pkg.Scope().Insert(name)
	pkg.MarkComplete()
	return pkg, nil
}
