package codegen

import (
	"strconv"

	"github.com/cilium/ebpf/btf"
	"github.com/dave/jennifer/jen"
)

// writeEnum writes the constants of an enum, and its String method.
func writeEnum(f *jen.File, d *decl, e *btf.Enum) {
	if len(e.Values) > 0 {
		f.Const().DefsFunc(func(g *jen.Group) {
			for i, v := range e.Values {
				g.Id(d.constants[i]).Id(d.name).Op("=").Op(enumNumber(e, v))
			}
		})
	}

	number := jen.Qual("strconv", "FormatUint").Call(jen.Uint64().Call(jen.Id("e")), jen.Lit(10))
	if isSigned(e) {
		number = jen.Qual("strconv", "FormatInt").Call(jen.Int64().Call(jen.Id("e")), jen.Lit(10))
	}
	f.Comment("String returns the name of e in C.")
	f.Func().Params(jen.Id("e").Id(d.name)).Id("String").Params().String().BlockFunc(func(g *jen.Group) {
		seen := map[string]bool{}
		var cases []jen.Code
		for i, v := range e.Values {
			if n := enumNumber(e, v); !seen[n] { // the first of several names for one value
				seen[n] = true
				cases = append(cases, jen.Case(jen.Id(d.constants[i])).Block(jen.Return(jen.Lit(v.Name))))
			}
		}
		if len(cases) > 0 {
			g.Switch(jen.Id("e")).Block(cases...)
		}
		g.Return(jen.Lit(d.name + "(").Op("+").Add(number).Op("+").Lit(")"))
	})
}

// isSigned reports whether an enum has negative values. BTF has a flag for it since clang 16.
// Before, it is only visible in small enums, in which a negative value does not fit.
func isSigned(e *btf.Enum) bool {
	for _, v := range e.Values {
		if e.Size < 4 && v.Value>>(8*e.Size) != 0 {
			return true
		}
	}
	return e.Signed
}

// enumNumber returns a value as a number of the enum's size. It truncates numbers that do not fit,
// which no compiler emits.
func enumNumber(e *btf.Enum, v btf.EnumValue) string {
	unused := 64 - 8*e.Size // bits
	if isSigned(e) {
		return strconv.FormatInt(int64(v.Value<<unused)>>unused, 10)
	}
	return strconv.FormatUint(v.Value<<unused>>unused, 10)
}
