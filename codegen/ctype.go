package codegen

import (
	"fmt"
	"math"
	"strings"

	"github.com/cilium/ebpf/btf"
	"github.com/dave/jennifer/jen"
)

// A goType is a Go type of the same size as the C type that it represents.
type goType struct {
	code  *jen.Statement // its source
	size  uint32         // bytes
	align uint32         // in Go, on the architecture with the strictest alignment
	// note is the C type for a comment, if the Go type does not show it: a pointer or a typedef,
	// say.
	note string
}

// goType returns the Go type for a C type. Types that need a declaration must have been added
// before. A C type without a counterpart in Go becomes a byte array. It returns an error for types
// without a size.
func (ts *typeSet) goType(t btf.Type) (goType, error) {
	t = btf.QualifiedType(t)
	if d := ts.decls[t]; d != nil {
		return ts.declType(d)
	}
	switch t := t.(type) {
	case *btf.Int:
		return ts.intType(t), nil
	case *btf.Float:
		if t.Size == 4 || t.Size == 8 {
			return basic(fmt.Sprintf("float%d", t.Size*8), t.Size), nil
		}
		return byteArray(t.Size, t.Name), nil
	case *btf.Pointer:
		g := basic("uint64", 8)
		g.note = cName(t)
		return g, nil
	case *btf.Enum:
		// Only enums that were not added get here.
		return intOfSize(t.Size, isSigned(t)), nil
	case *btf.Typedef:
		g, err := ts.goType(t.Type)
		if g.note == "" && !plainTypedef[t.Name] && ts.decls[btf.UnderlyingType(t)] == nil {
			g.note = t.Name
		}
		return g, err
	case *btf.Array:
		elem, err := ts.goType(t.Type)
		if err != nil {
			return goType{}, err
		}
		g := elem
		g.code = jen.Index(jen.Lit(int(t.Nelems))).Add(elem.code)
		size, err := btf.Sizeof(t)
		if err != nil {
			return goType{}, err
		}
		if uint64(size) > math.MaxUint32 {
			return goType{}, fmt.Errorf("too large: %d bytes", size)
		}
		g.size = uint32(size)
		return g, nil
	}
	size, err := btf.Sizeof(t)
	if err != nil {
		return goType{}, err
	}
	return byteArray(uint32(size), cName(t)), nil
}

// intType returns the Go type of a C integer.
func (ts *typeSet) intType(t *btf.Int) goType {
	switch {
	case t.Encoding == btf.Bool && t.Size == 1:
		return basic("bool", 1)
	case t.Name == "char" && t.Size == 1:
		// A char is signed for BPF, but text in Go consists of bytes.
		return basic("byte", 1)
	case t.Size == 16:
		return ts.int128(t.Encoding == btf.Signed)
	}
	return intOfSize(t.Size, t.Encoding == btf.Signed)
}

func intOfSize(size uint32, signed bool) goType {
	switch size {
	case 1, 2, 4, 8:
	default:
		return byteArray(size, "")
	}
	name := fmt.Sprintf("uint%d", size*8)
	if signed {
		name = name[1:]
	}
	return basic(name, size)
}

func basic(name string, size uint32) goType {
	return goType{code: jen.Id(name), size: size, align: size}
}

func byteArray(size uint32, note string) goType {
	return goType{code: jen.Index(jen.Lit(int(size))).Byte(), size: size, align: 1, note: note}
}

// plainTypedef lists the typedefs that need no comment beside their Go type.
var plainTypedef = map[string]bool{
	"__u8": true, "__u16": true, "__u32": true, "__u64": true, "__s8": true, "__s16": true, "__s32": true, "__s64": true,
	"u8": true, "u16": true, "u32": true, "u64": true, "s8": true, "s16": true, "s32": true, "s64": true,
	"uint8_t": true, "uint16_t": true, "uint32_t": true, "uint64_t": true,
	"int8_t": true, "int16_t": true, "int32_t": true, "int64_t": true,
	"bool": true, "u128": true, "s128": true, "__u128": true, "__s128": true,
}

// cName returns a type in C notation, for comments.
func cName(t btf.Type) string {
	return cNameDepth(t, 0)
}

func cNameDepth(t btf.Type, depth int) string {
	const (
		tooDeep = 16 // pointers to pointers to pointers...
		tooMany = 3  // functions of functions of functions...
	)
	if depth > tooDeep {
		return "..."
	}
	depth++
	switch t := t.(type) {
	case *btf.Pointer:
		if proto, ok := btf.QualifiedType(t.Target).(*btf.FuncProto); ok && depth > tooMany {
			return "void (*)(...)"
		} else if ok {
			return fmt.Sprintf("%s (*)(%s)", cNameDepth(proto.Return, depth), cParams(proto, depth))
		}
		s := cNameDepth(t.Target, depth)
		if strings.HasSuffix(s, "*") {
			return s + "*"
		}
		return s + " *"
	case *btf.Const:
		return "const " + cNameDepth(t.Type, depth)
	case *btf.Volatile:
		return cNameDepth(t.Type, depth)
	case *btf.Restrict:
		return cNameDepth(t.Type, depth)
	case *btf.TypeTag:
		return cNameDepth(t.Type, depth)
	case *btf.Array:
		return fmt.Sprintf("%s[%d]", cNameDepth(t.Type, depth), t.Nelems)
	case *btf.Struct:
		return tagged("struct", t.Name)
	case *btf.Union:
		return tagged("union", t.Name)
	case *btf.Enum:
		return tagged("enum", t.Name)
	case *btf.Fwd:
		return tagged(t.Kind.String(), t.Name)
	case *btf.Void, nil:
		return "void"
	}
	return t.TypeName()
}

func cParams(proto *btf.FuncProto, depth int) string {
	const most = 16
	var params []string
	for i, p := range proto.Params {
		if i == most {
			params = append(params, "...")
			break
		}
		params = append(params, cNameDepth(p.Type, depth))
	}
	return strings.Join(params, ", ")
}

func tagged(kind, name string) string {
	if name == "" {
		return kind
	}
	return kind + " " + name
}
