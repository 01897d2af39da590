package preflight

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// Package reads the specs of the generated packages in a directory without compiling them. It reads
// the files that the compiler selects for this machine from those of the object's targets.
func Package(dir string) ([]*spec.Spec, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var all []*spec.Spec
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		if matches, err := build.Default.MatchFile(dir, filepath.Base(file)); err != nil {
			return nil, err
		} else if !matches {
			continue
		}
		s, err := readGenerated(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if s != nil {
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no package that bpf2lskel generated for %s", dir, build.Default.GOARCH)
	}
	return all, nil
}

// readGenerated reads one file; it returns nil if that is not a generated one.
func readGenerated(file string) (*spec.Spec, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var literal ast.Expr
	for _, d := range parsed.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, one := range g.Specs {
			v, ok := one.(*ast.ValueSpec)
			if !ok || len(v.Values) != 1 {
				continue
			}
			if lit, ok := v.Values[0].(*ast.CompositeLit); ok && typeName(lit.Type) == "impl.Spec" {
				literal = lit
			}
		}
	}
	if literal == nil {
		return nil, nil
	}
	s := new(spec.Spec)
	if err := decode(literal, reflect.ValueOf(s).Elem()); err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(file, ".go")
	for suffix, to := range map[string]*string{".blob": &s.Blob, ".loader": &s.Loader} {
		text, err := os.ReadFile(base + suffix)
		if err != nil {
			return nil, err
		}
		*to = string(text)
	}
	return s, allFeatures().Check(s)
}

func typeName(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}

// decode sets v to what a literal says.
func decode(e ast.Expr, v reflect.Value) error {
	switch e := e.(type) {
	case *ast.CompositeLit:
		return decodeComposite(e, v)
	case *ast.UnaryExpr:
		if e.Op == token.AND && v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
			return decode(e.X, v.Elem())
		}
		if lit, ok := e.X.(*ast.BasicLit); ok && e.Op == token.SUB {
			return decodeNumber("-"+lit.Value, v)
		}
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			if err == nil && v.Kind() == reflect.String {
				v.SetString(text)
			}
			return err
		}
		return decodeNumber(e.Value, v)
	case *ast.Ident:
		if v.Kind() == reflect.Bool {
			v.SetBool(e.Name == "true")
		}
		return nil // others are the contents of embedded files
	case *ast.SelectorExpr:
		if n, ok := constants[e.Sel.Name]; ok {
			return decodeNumber(strconv.FormatUint(n, 10), v)
		}
	case *ast.CallExpr:
		return nil // what a signature's form has, and no kernel is asked about
	}
	return errForm
}

var errForm = errors.New("not in the form that bpf2lskel writes: generate it again")

func decodeComposite(e *ast.CompositeLit, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Struct:
		for _, x := range e.Elts {
			kv, ok := x.(*ast.KeyValueExpr)
			if !ok {
				return errForm
			}
			name, ok := kv.Key.(*ast.Ident)
			if !ok {
				return errForm
			}
			field := v.FieldByName(name.Name)
			if !field.IsValid() {
				return fmt.Errorf("field %s: %w", name.Name, errForm)
			}
			if err := decode(kv.Value, field); err != nil {
				return fmt.Errorf("field %s: %w", name.Name, err)
			}
		}
		return nil
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), len(e.Elts), len(e.Elts)))
	case reflect.Array:
	default:
		return errForm
	}
	for i, x := range e.Elts {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			x = kv.Value
		}
		if i >= v.Len() {
			return errForm
		}
		if err := decode(x, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func decodeNumber(text string, v reflect.Value) error {
	switch {
	case v.CanUint():
		n, err := strconv.ParseUint(text, 0, 64)
		v.SetUint(n)
		return err
	case v.CanInt():
		n, err := strconv.ParseInt(text, 0, 64)
		v.SetInt(n)
		return err
	}
	return errForm
}

// constants are those of package impl that generated files use as values.
var constants = map[string]uint64{
	"NoSlot": uint64(spec.NoSlot),
	"Data":   uint64(spec.Data), "ROData": uint64(spec.ROData), "BSS": uint64(spec.BSS), "Kconfig": uint64(spec.Kconfig),
	"SizeCPUs": uint64(spec.SizeCPUs), "SizePages": uint64(spec.SizePages),
	"Kfunc": uint64(spec.Kfunc), "KsymVar": uint64(spec.KsymVar), "KsymAddr": uint64(spec.KsymAddr),
	"StepLoadBTF": uint64(spec.StepLoadBTF), "StepCreateMap": uint64(spec.StepCreateMap), "StepCreateInner": uint64(spec.StepCreateInner),
	"StepFillMap": uint64(spec.StepFillMap), "StepFreezeMap": uint64(spec.StepFreezeMap), "StepSetSlot": uint64(spec.StepSetSlot),
	"StepFindTarget": uint64(spec.StepFindTarget), "StepFindExtern": uint64(spec.StepFindExtern), "StepLoadProgram": uint64(spec.StepLoadProgram),
}
