// Package prototype compares an object's declarations of kernel functions and variables with a
// kernel's.
//
// The input is the symbols that the object declares and a [Kernel], either the running kernel or
// one described by files. The output is the mismatches. The callers are cmd/bpf2lskel and
// runtime/kfunccheck; a plain load compares nothing.
package prototype

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A Symbol is a kernel function or variable that an object declares.
type Symbol struct {
	Name string // in the source, including the flavor
	Weak bool
	// Type is a *btf.FuncProto for a function, and otherwise the variable's type.
	Type btf.Type
	// Func is set for functions.
	Func bool
}

// KernelName returns the symbol's name in the kernel. Only functions have flavors (libbpf's
// bpf_object__collect_externs).
func (s *Symbol) KernelName() string {
	if s.Func {
		return sys.EssentialName(s.Name)
	}
	return s.Name
}

func (s *Symbol) String() string {
	if s.Func {
		return "kernel function " + s.Name
	}
	return "kernel variable " + s.Name
}

// A MismatchError reports a symbol whose declaration in the source differs from the kernel's.
type MismatchError struct {
	Symbol string // "kernel function bpf_ct_release"
	// Where is the place that has the symbol: "vmlinux", a module's name, or a file.
	Where string
	// Part is the part that differs, with a verb: "argument 2 (len) is", "it returns", "it takes".
	Part string
	// Source and Kernel are the values of the part on both sides: types in C, or numbers of
	// arguments.
	Source, Kernel string
	// Weak is set for a weak symbol, which the load may treat as missing.
	Weak bool
}

// Error names the symbol, the part that differs, and both types.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s: %s %s in the source, %s in %s: declare it as vmlinux.h does", e.Symbol, e.Part, e.Source, e.Kernel, e.Where)
}

// Join combines several errors into one error with one line. It returns nil if there are none.
func Join(errs []error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return several(errs)
}

// several holds errors that belong on one line.
type several []error

func (s several) Error() string {
	texts := make([]string, len(s))
	for i, err := range s {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (s several) Unwrap() []error { return s }

// compare compares a symbol with the kernel's type of it.
func compare(s *Symbol, kernel btf.Type, where string) error {
	mismatch := func(part, source, kernel string) error {
		return &MismatchError{Symbol: s.String(), Where: where, Part: part, Source: source, Kernel: kernel, Weak: s.Weak}
	}
	if !s.Func {
		if !compatible(s.Type, kernel, maxDepth) {
			return mismatch("its type is", cName(s.Type), cName(kernel))
		}
		return nil
	}
	here, ok1 := s.Type.(*btf.FuncProto)
	there, ok2 := kernel.(*btf.FuncProto)
	if !ok1 || !ok2 {
		return mismatch("it is", cName(s.Type), cName(kernel))
	}
	for i := range min(len(here.Params), len(there.Params)) {
		p, q := here.Params[i].Type, there.Params[i]
		if compatible(p, q.Type, maxDepth) {
			continue
		}
		part := fmt.Sprintf("argument %d", i+1)
		if q.Name != "" {
			part += " (" + q.Name + ")"
		}
		return mismatch(part+" is", cName(p), cName(q.Type))
	}
	if len(here.Params) != len(there.Params) {
		return mismatch("it takes", arguments(here), arguments(there))
	}
	if !compatible(here.Return, there.Return, maxDepth) {
		return mismatch("it returns", cName(here.Return), cName(there.Return))
	}
	return nil
}

// maxDepth bounds pointers to pointers and functions of functions, as libbpf does.
const maxDepth = 32

// compatible reports whether two prototypes are compatible by libbpf's rule
// (bpf_core_types_are_compat): kinds must be the same behind each pointer, names and sizes need
// not. There is one difference: a struct or union that the source only declares is compatible with
// the kernel's struct or union, since a pointer to it is the same argument.
func compatible(source, kernel btf.Type, depth int) bool {
	if depth == 0 {
		return false
	}
	source, kernel = underlying(source), underlying(kernel)
	switch s := source.(type) {
	case *btf.Void:
		_, ok := kernel.(*btf.Void)
		return ok
	case *btf.Int:
		_, ok := kernel.(*btf.Int)
		return ok
	case *btf.Float:
		_, ok := kernel.(*btf.Float)
		return ok
	case *btf.Enum:
		_, ok := kernel.(*btf.Enum)
		return ok
	case *btf.Struct, *btf.Union, *btf.Fwd:
		kind, ok := composite(source)
		other, ok2 := composite(kernel)
		return ok && ok2 && kind == other
	case *btf.Pointer:
		k, ok := kernel.(*btf.Pointer)
		return ok && compatible(s.Target, k.Target, depth-1)
	case *btf.Array:
		k, ok := kernel.(*btf.Array)
		return ok && compatible(s.Type, k.Type, depth-1)
	case *btf.FuncProto:
		k, ok := kernel.(*btf.FuncProto)
		if !ok || len(s.Params) != len(k.Params) {
			return false
		}
		for i := range s.Params {
			if !compatible(s.Params[i].Type, k.Params[i].Type, depth-1) {
				return false
			}
		}
		return compatible(s.Return, k.Return, depth-1)
	}
	return false
}

// underlying returns a type without typedefs, qualifiers and tags; nil is void.
func underlying(t btf.Type) btf.Type {
	if t == nil {
		return (*btf.Void)(nil)
	}
	return btf.UnderlyingType(t)
}

// composite reports whether a type is a struct or union, declared or defined, and which of the two.
func composite(t btf.Type) (btf.FwdKind, bool) {
	switch t := t.(type) {
	case *btf.Struct:
		return btf.FwdStruct, true
	case *btf.Union:
		return btf.FwdUnion, true
	case *btf.Fwd:
		return t.Kind, true
	}
	return 0, false
}

func arguments(proto *btf.FuncProto) string {
	n := fmt.Sprintf("%d arguments", len(proto.Params))
	if len(proto.Params) == 1 {
		n = "1 argument"
	}
	return fmt.Sprintf("%s (%s)", n, params(proto, maxDepth))
}

func params(proto *btf.FuncProto, depth int) string {
	if len(proto.Params) == 0 {
		return "void"
	}
	types := make([]string, len(proto.Params))
	for i, p := range proto.Params {
		types[i] = name(p.Type, depth)
	}
	return strings.Join(types, ", ")
}

// cName returns a type in C, precise enough for an error. Typedefs, except those of integers, are
// followed by the underlying type.
func cName(t btf.Type) string { return name(t, maxDepth) }

func name(t btf.Type, depth int) string {
	if depth == 0 {
		return "..."
	}
	depth--
	switch t := t.(type) {
	case nil, *btf.Void:
		return "void"
	case *btf.Pointer:
		if proto, ok := btf.QualifiedType(t.Target).(*btf.FuncProto); ok {
			return name(proto.Return, depth) + " (*)(" + params(proto, depth) + ")"
		}
		s := name(t.Target, depth)
		if strings.HasSuffix(s, "*") {
			return s + "*"
		}
		return s + " *"
	case *btf.FuncProto:
		return name(t.Return, depth) + " (" + params(t, depth) + ")"
	case *btf.Const:
		return "const " + name(t.Type, depth)
	case *btf.Volatile:
		return name(t.Type, depth)
	case *btf.Restrict:
		return name(t.Type, depth)
	case *btf.TypeTag:
		return name(t.Type, depth)
	case *btf.Array:
		return fmt.Sprintf("%s[%d]", name(t.Type, depth), t.Nelems)
	case *btf.Struct:
		return tagged("struct", t.Name)
	case *btf.Union:
		return tagged("union", t.Name)
	case *btf.Enum:
		return tagged("enum", t.Name)
	case *btf.Fwd:
		return tagged(t.Kind.String(), t.Name)
	case *btf.Typedef:
		under := btf.UnderlyingType(t)
		if _, ok := under.(*btf.Int); ok {
			return t.Name
		}
		return fmt.Sprintf("%s (%s)", t.Name, name(under, depth))
	}
	return t.TypeName()
}

func tagged(kind, name string) string {
	if name == "" {
		return "unnamed " + kind
	}
	return kind + " " + name
}
