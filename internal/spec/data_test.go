package spec_test

import (
	"reflect"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// The contract is data only: it has no pointers to code and no unexported fields.
func TestDataOnly(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.Func, reflect.Chan, reflect.Interface, reflect.UnsafePointer:
			t.Errorf("%s has type %s", path, typ)
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(typ.Elem(), path)
		case reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				if f.Name == "_" && f.Type.Size() == 0 {
					continue // has no contents
				}
				if !f.IsExported() {
					t.Errorf("%s.%s is not exported", path, f.Name)
				}
				walk(f.Type, path+"."+f.Name)
			}
		}
	}
	walk(reflect.TypeFor[spec.Spec](), "Spec")
	walk(reflect.TypeFor[spec.InnerSpec](), "InnerSpec")
	walk(reflect.TypeFor[spec.LogRequest](), "LogRequest")
	if len(seen) < 20 {
		t.Errorf("only %d types", len(seen))
	}
}
