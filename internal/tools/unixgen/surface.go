package main

import (
	"fmt"
	"go/constant"
	"go/types"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

const sysUnix = "golang.org/x/sys/unix"

// surface is the API of the package.
type surface struct {
	pkg    *types.Package
	consts []*types.Const
	types  []*types.TypeName // including those that others refer to
	funcs  []*types.Func
}

// resolve finds names in golang.org/x/sys/unix for Linux. If architectures differ, it uses amd64.
func resolve(names []string, dir string) (*surface, error) {
	found, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports,
		Dir:  dir,
		Env:  append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"),
	}, sysUnix)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || len(found[0].Errors) > 0 {
		return nil, fmt.Errorf("load %s: %v", sysUnix, found)
	}
	s := &surface{pkg: found[0].Types}
	named := map[string]*types.TypeName{}
	for _, name := range names {
		switch obj := s.pkg.Scope().Lookup(name).(type) {
		case *types.Const:
			s.consts = append(s.consts, obj)
			s.addTypes(named, obj.Type())
		case *types.TypeName:
			s.addType(named, obj)
		case *types.Func:
			if strings.Contains(name, "Syscall") {
				return nil, fmt.Errorf("%s: a wrapper cannot keep a pointer alive that the caller passes as a number: write it by hand, in %s", name, directory)
			}
			s.funcs = append(s.funcs, obj)
			s.addTypes(named, obj.Type())
		default:
			return nil, fmt.Errorf("%s.%s: want a constant, type or function, got %v", sysUnix, name, obj)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		s.types = append(s.types, named[name])
	}
	return s, nil
}

// addType adds a type and the types that it consists of.
func (s *surface) addType(named map[string]*types.TypeName, name *types.TypeName) {
	if name.Pkg() != s.pkg || named[name.Name()] != nil {
		return
	}
	named[name.Name()] = name
	if !name.IsAlias() {
		s.addTypes(named, name.Type().Underlying())
	}
}

func (s *surface) addTypes(named map[string]*types.TypeName, t types.Type) {
	switch t := t.(type) {
	case *types.Named:
		s.addType(named, t.Obj())
	case *types.Alias:
		s.addType(named, t.Obj())
	case *types.Pointer:
		s.addTypes(named, t.Elem())
	case *types.Slice:
		s.addTypes(named, t.Elem())
	case *types.Array:
		s.addTypes(named, t.Elem())
	case *types.Struct:
		for f := range t.Fields() {
			s.addTypes(named, f.Type())
		}
	case *types.Signature:
		for _, list := range []*types.Tuple{t.Params(), t.Results()} {
			for v := range list.Variables() {
				s.addTypes(named, v.Type())
			}
		}
	}
}

// value returns a constant's value as an expression.
func value(c *types.Const) string {
	v := c.Val()
	if v.Kind() != constant.Int {
		return v.ExactString()
	}
	text := v.ExactString()
	if u, ok := constant.Uint64Val(v); ok && u > 9 {
		text = fmt.Sprintf("%#x", u)
	}
	if b, ok := c.Type().(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		return text
	}
	return types.TypeString(types.Unalias(c.Type()), unqualified(c.Pkg())) + "(" + text + ")"
}

// unqualified omits the name of pkg from names.
func unqualified(pkg *types.Package) types.Qualifier {
	return func(p *types.Package) string {
		if p == pkg {
			return ""
		}
		return p.Name()
	}
}
