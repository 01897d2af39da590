// Package systest compares structs with those of the kernel's own BTF, for tests.
package systest

import (
	"flag"
	"reflect"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

var btfFile = flag.String("btf", "", "compare with the BTF in this `file`, not with the running kernel's")

// KernelBTF returns the BTF of the running kernel, or of the kernel given by the flag -btf.
func KernelBTF(t *testing.T) *btf.Spec {
	t.Helper()
	var spec *btf.Spec
	var err error
	if *btfFile != "" {
		spec, err = btf.LoadSpec(*btfFile)
	} else {
		spec, err = btf.LoadKernelSpec()
	}
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// Newest reports whether the kernel has everything that this project knows of. Older kernels lack
// newer features.
func Newest(t *testing.T, spec *btf.Spec) bool {
	t.Helper()
	var e *btf.Enum
	if err := spec.TypeByName("bpf_cmd", &e); err != nil {
		t.Fatal(err)
	}
	for _, v := range e.Values {
		if v.Name == "BPF_PROG_ASSOC_STRUCT_OPS" {
			return find(t, spec, "bpf_link_info.tracing_multi") != nil // 7.3
		}
	}
	return false
}

// A Struct describes the kernel's counterpart of a Go struct.
type Struct struct {
	Value any
	// Kernel names a struct or union, followed by members of it. A field name in parentheses means
	// the anonymous struct that contains the field.
	Kernel string
	// Names maps the names of fields to the kernel's names where they differ; fields are compared
	// by name. A name that ends in + is the first of several fields that the Go field covers.
	Names map[string]string
}

// Structs compares each field: the kernel must have it, at the same offset and with the same size.
// It also fails for fields that only the kernel has.
func Structs(t *testing.T, structs []Struct) {
	spec := KernelBTF(t)
	newest := Newest(t, spec)
	for _, s := range structs {
		typ := reflect.TypeOf(s.Value)
		t.Run(typ.Name()+" "+s.Kernel, func(t *testing.T) { compare(t, spec, newest, s) })
	}
}

// A kernelField is a member of a struct or union in the kernel.
type kernelField struct {
	name         string // normalized
	offset, size uintptr
	bits         bool // a bit-field, which is smaller
}

func compare(t *testing.T, spec *btf.Spec, newest bool, s Struct) {
	typ := reflect.TypeOf(s.Value)
	kernel := find(t, spec, s.Kernel)
	if kernel == nil {
		if newest {
			t.Error("the kernel has no such struct")
		}
		t.Log("this kernel has no such struct")
		return
	}
	fields := flatten(t, kernel)
	covered := map[uintptr]bool{}
	for _, f := range reflect.VisibleFields(typ) {
		if f.Anonymous || f.Name == "_" {
			continue
		}
		offset := f.Offset
		if len(f.Index) > 1 { // a field of an embedded struct
			offset += typ.Field(f.Index[0]).Offset
		}
		name, several := f.Name, false
		if other, ok := s.Names[f.Name]; ok {
			name, several = strings.CutSuffix(other, "+")
		}
		covered[offset] = true
		k := fieldOf(fields, Normalize(name))
		switch {
		case k == nil && (newest || taken(fields, offset, f.Type.Size())):
			t.Errorf("%s: the kernel's struct has no such field", f.Name)
		case k == nil:
			t.Logf("%s: not on this kernel", f.Name)
		case offset != k.offset:
			t.Errorf("%s is at %d, the kernel's at %d", f.Name, offset, k.offset)
		case f.Type.Size() != k.size && !k.bits && !several:
			t.Errorf("%s has %d bytes, the kernel's %d", f.Name, f.Type.Size(), k.size)
		}
		if several {
			for at := range f.Type.Size() {
				covered[offset+at] = true
			}
		}
	}
	for _, k := range fields {
		if k.offset < typ.Size() && !covered[k.offset] {
			t.Errorf("the kernel has %s at %d, of %d bytes, and the struct nothing", k.name, k.offset, k.size)
		}
	}
}

// Normalize returns the common form of a kernel name and its Go name.
func Normalize(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func fieldOf(fields []kernelField, name string) *kernelField {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

// taken reports whether any field overlaps the range. A field that is newer than the kernel is
// after the end of its struct, or in a hole in it.
func taken(fields []kernelField, offset, size uintptr) bool {
	for _, f := range fields {
		if f.offset < offset+size && offset < f.offset+f.size {
			return true
		}
	}
	return false
}

// find returns a struct or union named like Struct.Kernel, or nil if the kernel has none.
func find(t *testing.T, spec *btf.Spec, name string) btf.Type {
	t.Helper()
	head, rest, _ := strings.Cut(name, ".")
	candidates, err := spec.AnyTypesByName(head)
	if err != nil {
		return nil
	}
	var typ btf.Type
	for _, c := range candidates {
		if members(c) != nil {
			typ = c
		}
	}
	for rest != "" && typ != nil {
		head, rest, _ = strings.Cut(rest, ".")
		typ = member(typ, head)
	}
	return typ
}

func members(typ btf.Type) []btf.Member {
	switch typ := btf.UnderlyingType(typ).(type) {
	case *btf.Struct:
		return typ.Members
	case *btf.Union:
		return typ.Members
	}
	return nil
}

// member returns the type of a member, including members of nested anonymous unions.
func member(typ btf.Type, name string) btf.Type {
	field, anonymous := strings.CutPrefix(name, "(")
	field = strings.TrimSuffix(field, ")")
	for _, m := range members(typ) {
		if m.Name == name {
			return m.Type
		}
		if m.Name != "" {
			continue
		}
		if _, is := btf.UnderlyingType(m.Type).(*btf.Struct); anonymous && is {
			for _, inner := range members(m.Type) {
				if inner.Name == field || inner.Name == "" && member(inner.Type, field) != nil {
					return m.Type
				}
			}
		}
		if found := member(m.Type, name); found != nil {
			return found
		}
	}
	return nil
}

// flatten returns the fields of a struct, including those of nested anonymous structs and unions.
func flatten(t *testing.T, typ btf.Type) (fields []kernelField) {
	t.Helper()
	for _, m := range members(typ) {
		offset := uintptr(m.Offset.Bytes())
		if m.Name == "" {
			for _, f := range flatten(t, m.Type) {
				f.offset += offset
				fields = append(fields, f)
			}
			continue
		}
		n, err := btf.Sizeof(m.Type)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		fields = append(fields, kernelField{Normalize(m.Name), offset, uintptr(n), m.BitfieldSize != 0})
	}
	return fields
}
