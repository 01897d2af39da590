package codegen

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
	"github.com/dave/jennifer/jen"

	"github.com/bpf2lskel/bpf2lskel/internal/plural"
)

// writeAccessor writes the methods for a member that is not a field.
func (ts *typeSet) writeAccessor(f *jen.File, d *decl, m *member) error {
	if m.access == asField {
		return nil
	}
	g, err := ts.goType(m.typ)
	if err != nil {
		return err
	}
	switch m.access {
	case asPointer:
		ts.writePointer(f, d, m, g)
	case asValue:
		ts.writeValue(f, d, m, g)
	case asBits:
		ts.writeBits(f, d, m, g)
	case asFlexible:
		return ts.writeFlexible(f, d, m)
	}
	return nil
}

const recv = "t" // receiver of all accessors

// at returns the address of the receiver's byte at an offset.
func at(offset uint32) *jen.Statement {
	p := jen.Qual("unsafe", "Pointer").Call(jen.Id(recv))
	if offset == 0 {
		return p
	}
	return jen.Qual("unsafe", "Add").Call(p, jen.Lit(int(offset)))
}

func method(d *decl, name string) *jen.Statement {
	return jen.Func().Params(jen.Id(recv).Op("*").Id(d.name)).Id(name)
}

func described(m *member, g goType) string {
	s := "member " + m.c
	if m.inside != "" {
		s += " of a " + m.inside
	}
	if g.note != "" {
		s += ", a " + g.note
	}
	return s
}

// func (t *T) Name() *E { return (*E)(unsafe.Add(unsafe.Pointer(t), offset)) }
func (ts *typeSet) writePointer(f *jen.File, d *decl, m *member, g goType) {
	commentf(f, "%s returns a pointer to %s.", m.name, described(m, g))
	f.Add(method(d, m.name).Params().Op("*").Add(g.code).Block(
		jen.Return(jen.Parens(jen.Op("*").Add(g.code)).Parens(at(m.start()))),
	))
}

//	func (t *T) Name() (v E) {
//		*(*[size]byte)(unsafe.Pointer(&v)) = *(*[size]byte)(unsafe.Add(unsafe.Pointer(t), offset))
//		return v
//	}
//
// func (t *T) SetName(v E) { ... the other way round }
func (ts *typeSet) writeValue(f *jen.File, d *decl, m *member, g goType) {
	bytesAt := func(p *jen.Statement) *jen.Statement {
		return jen.Op("*").Parens(jen.Op("*").Index(jen.Lit(int(m.size))).Byte()).Parens(p)
	}
	value := jen.Qual("unsafe", "Pointer").Call(jen.Op("&").Id("v"))
	commentf(f, "%s returns %s, which is not aligned.", m.name, described(m, g))
	f.Add(method(d, m.name).Params().Params(jen.Id("v").Add(g.code)).Block(
		bytesAt(value).Op("=").Add(bytesAt(at(m.start()))),
		jen.Return(jen.Id("v")),
	))
	commentf(f, "Set%s sets %s.", m.name, described(m, g))
	f.Add(method(d, "Set"+m.name).Params(jen.Id("v").Add(g.code)).Block(
		bytesAt(at(m.start())).Op("=").Add(bytesAt(value)),
	))
}

// writeFlexible writes a method for an array that follows the struct. A Go value cannot include the
// elements, so the method takes the bytes of struct and array.
//
//	func (*T) Name(record []byte) []E {
//		if len(record) < offset+size {
//			return nil
//		}
//		v := make([]E, (len(record)-offset)/size)
//		copy(unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*size), record[offset:])
//		return v
//	}
func (ts *typeSet) writeFlexible(f *jen.File, d *decl, m *member) error {
	array := btf.UnderlyingType(m.typ).(*btf.Array)
	elem, err := ts.goType(array.Type)
	if err != nil || elem.size == 0 {
		return err
	}
	offset, size := int(m.start()), int(elem.size)
	doc(f, fmt.Sprintf("%s returns a copy of the elements of %s, an array without a fixed length, from a record that begins with type %s.",
		m.name, m.c, d.name))
	f.Add(jen.Func().Params(jen.Op("*").Id(d.name)).Id(m.name).Params(jen.Id("record").Index().Byte()).Index().Add(elem.code).Block(
		jen.If(jen.Len(jen.Id("record")).Op("<").Lit(offset+size)).Block(jen.Return(jen.Nil())),
		jen.Id("v").Op(":=").Make(jen.Index().Add(elem.code), jen.Parens(jen.Len(jen.Id("record")).Op("-").Lit(offset)).Op("/").Lit(size)),
		jen.Copy(
			jen.Qual("unsafe", "Slice").Call(
				jen.Parens(jen.Op("*").Byte()).Parens(jen.Qual("unsafe", "Pointer").Call(jen.Op("&").Id("v").Index(jen.Lit(0)))),
				jen.Len(jen.Id("v")).Op("*").Lit(size)),
			jen.Id("record").Index(jen.Lit(offset).Op(":")),
		),
		jen.Return(jen.Id("v")),
	))
	return nil
}

// writeBits writes the methods for a bit-field.
//
//	func (t *T) Name() uint32 {
//		return uint32(getBits(unsafe.Add(unsafe.Pointer(t), 4), 1, 3, 5))
//	}
//	func (t *T) SetName(v uint32) {
//		setBits(unsafe.Add(unsafe.Pointer(t), 4), 1, 3, 5, uint64(v))
//	}
func (ts *typeSet) writeBits(f *jen.File, d *decl, m *member, g goType) {
	ts.usesBits = true
	switch {
	case m.bits > 64:
		ts.writeWideBits(f, d, m, g)
		return
	case m.size == 16:
		ts.writeNarrowBits(f, d, m, g)
		return
	}
	args := ts.bitArgs(m.offset, m.bits)
	value := jen.Id("getBits").Call(args...)
	set := []jen.Code{}
	switch kind, signed := bitKind(m.typ); {
	case kind == btf.Bool:
		value.Op("!=").Lit(0)
		set = append(set,
			jen.Var().Id("n").Uint64(),
			jen.If(jen.Id("v")).Block(jen.Id("n").Op("=").Lit(1)),
			jen.Id("setBits").Call(append(args, jen.Id("n"))...))
	default:
		if signed && m.bits < 64 {
			// Shifting up and down again as a signed number extends the sign.
			up := jen.Lit(int(64 - m.bits))
			value = jen.Int64().Call(value.Op("<<").Add(up)).Op(">>").Add(up)
		}
		value = jen.Add(g.code).Call(value)
		set = append(set, jen.Id("setBits").Call(append(args, jen.Uint64().Call(jen.Id("v")))...))
	}
	commentf(f, "%s returns %s, a bit-field of %s.", m.name, described(m, g), plural.Of(int(m.bits), "bit", "bits"))
	f.Add(method(d, m.name).Params().Add(g.code).Block(jen.Return(value)))
	commentf(f, "Set%s sets %s to the lowest %s of v.", m.name, described(m, g), plural.Of(int(m.bits), "bit", "bits"))
	f.Add(method(d, "Set"+m.name).Params(jen.Id("v").Add(g.code)).Block(set...))
}

// writeNarrowBits writes the methods for a bit-field of a 128-bit integer that fits in 64 bits.
func (ts *typeSet) writeNarrowBits(f *jen.File, d *decl, m *member, g goType) {
	args := ts.bitArgs(m.offset, m.bits)
	get := []jen.Code{jen.Return(jen.Add(g.code).Values(jen.Id("Lo").Op(":").Id("getBits").Call(args...)))}
	if _, signed := bitKind(m.typ); signed {
		up := jen.Lit(int(64 - m.bits))
		get = []jen.Code{
			jen.Id("n").Op(":=").Int64().Call(jen.Id("getBits").Call(args...).Op("<<").Add(up)).Op(">>").Add(up),
			jen.Return(jen.Add(g.code).Values(jen.Id("Lo").Op(":").Uint64().Call(jen.Id("n")), jen.Id("Hi").Op(":").Id("n").Op(">>").Lit(63))),
		}
	}
	commentf(f, "%s returns %s, a bit-field of %s.", m.name, described(m, g), plural.Of(int(m.bits), "bit", "bits"))
	f.Add(method(d, m.name).Params().Add(g.code).Block(get...))
	commentf(f, "Set%s sets %s to the lowest %s of v.", m.name, described(m, g), plural.Of(int(m.bits), "bit", "bits"))
	f.Add(method(d, "Set"+m.name).Params(jen.Id("v").Add(g.code)).Block(
		jen.Id("setBits").Call(append(args, jen.Id("v").Dot("Lo"))...),
	))
}

// writeWideBits writes the methods for a bit-field of a 128-bit integer that is wider than 64 bits.
func (ts *typeSet) writeWideBits(f *jen.File, d *decl, m *member, g goType) {
	low, high := ts.bitArgs(m.offset, 64), ts.bitArgs(m.offset+64, m.bits-64)
	if ts.bigEndian {
		low, high = ts.bitArgs(m.offset+m.bits-64, 64), ts.bitArgs(m.offset, m.bits-64)
	}
	top := jen.Id("getBits").Call(high...)
	if _, signed := bitKind(m.typ); signed {
		up := jen.Lit(int(128 - m.bits))
		top = jen.Int64().Call(top.Op("<<").Add(up)).Op(">>").Add(up)
	}
	commentf(f, "%s returns %s, a bit-field of %d bits.", m.name, described(m, g), m.bits)
	f.Add(method(d, m.name).Params().Add(g.code).Block(jen.Return(jen.Add(g.code).Values(
		jen.Id("Lo").Op(":").Id("getBits").Call(low...),
		jen.Id("Hi").Op(":").Add(top),
	))))
	commentf(f, "Set%s sets %s to the lowest %d bits of v.", m.name, described(m, g), m.bits)
	f.Add(method(d, "Set"+m.name).Params(jen.Id("v").Add(g.code)).Block(
		jen.Id("setBits").Call(append(low, jen.Id("v").Dot("Lo"))...),
		jen.Id("setBits").Call(append(high, jen.Uint64().Call(jen.Id("v").Dot("Hi")))...),
	))
}

// bitKind returns how to interpret the bits of a type.
func bitKind(t btf.Type) (kind btf.IntEncoding, signed bool) {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		if t.Encoding == btf.Bool && t.Size != 1 {
			return btf.Unsigned, false // no bool in Go either
		}
		return t.Encoding, t.Encoding == btf.Signed
	case *btf.Enum:
		return btf.Unsigned, isSigned(t)
	}
	return btf.Unsigned, false
}

// bitArgs returns the arguments of getBits and setBits for a bit-field: the address and number of
// its bytes, the position of its lowest bit in the number that they form, and its width.
func (ts *typeSet) bitArgs(offset, bits uint32) []jen.Code {
	first, last := offset/8, (offset+bits+7)/8
	shift := offset % 8
	if ts.bigEndian {
		shift = last*8 - offset - bits // C counts from the top on big endian machines
	}
	return []jen.Code{at(first), jen.Lit(int(last - first)), jen.Lit(int(shift)), jen.Lit(int(bits))}
}

// writeHelpers writes the functions that accessors call.
//
//	func getBits(p unsafe.Pointer, size, shift, n int) (v uint64) {
//		for i, b := range unsafe.Slice((*byte)(p), size) {
//			v |= uint64(b) << (8*i - shift)	// or >> if that is negative
//		}
//		return v & (1<<n - 1)
//	}
func (ts *typeSet) writeHelpers(f *jen.File) {
	if !ts.usesBits {
		return
	}
	index := jen.Id("i")
	order := "lowest first"
	if ts.bigEndian {
		index = jen.Parens(jen.Id("size").Op("-").Lit(1).Op("-").Id("i"))
		order = "highest first"
	}
	params := func(more ...jen.Code) []jen.Code {
		return append([]jen.Code{jen.Id("p").Qual("unsafe", "Pointer"), jen.List(jen.Id("size"), jen.Id("shift"), jen.Id("n")).Int()}, more...)
	}
	bytes := jen.Qual("unsafe", "Slice").Call(jen.Parens(jen.Op("*").Byte()).Parens(jen.Id("p")), jen.Id("size"))
	up := jen.Id("up").Op(":=").Lit(8).Op("*").Add(index).Op("-").Id("shift")
	mask := jen.Uint64().Call(jen.Lit(1)).Op("<<").Id("n").Op("-").Lit(1)

	commentf(f, "getBits returns n bits, starting at bit shift, of the number in size bytes at p, %s.", order)
	f.Func().Id("getBits").Params(params()...).Params(jen.Id("v").Uint64()).Block(
		jen.For(jen.List(jen.Id("i"), jen.Id("b")).Op(":=").Range().Add(bytes)).Block(
			jen.If(up, jen.Id("up").Op(">=").Lit(0)).Block(
				jen.Id("v").Op("|=").Uint64().Call(jen.Id("b")).Op("<<").Id("up"),
			).Else().Block(
				jen.Id("v").Op("|=").Uint64().Call(jen.Id("b")).Op(">>").Op("-").Id("up"),
			),
		),
		jen.Return(jen.Id("v").Op("&").Parens(mask)),
	)
	f.Comment("setBits sets the bits that getBits returns, and no others.")
	f.Func().Id("setBits").Params(params(jen.Id("v").Uint64())...).Block(
		jen.Id("mask").Op(":=").Add(mask),
		jen.Id("v").Op("&=").Id("mask"),
		jen.Id("bytes").Op(":=").Add(bytes),
		jen.For(jen.Id("i").Op(":=").Range().Id("bytes")).Block(
			jen.If(up, jen.Id("up").Op(">=").Lit(0)).Block(
				jen.Id("bytes").Index(jen.Id("i")).Op("=").Id("bytes").Index(jen.Id("i")).Op("&^").Byte().Call(jen.Id("mask").Op(">>").Id("up")).
					Op("|").Byte().Call(jen.Id("v").Op(">>").Id("up")),
			).Else().Block(
				jen.Id("bytes").Index(jen.Id("i")).Op("=").Id("bytes").Index(jen.Id("i")).Op("&^").Byte().Call(jen.Id("mask").Op("<<").Op("-").Id("up")).
					Op("|").Byte().Call(jen.Id("v").Op("<<").Op("-").Id("up")),
			),
		),
	)
}
