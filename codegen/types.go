package codegen

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/btf"
	"github.com/dave/jennifer/jen"
)

// A typeSet collects the C types to declare, and their names in Go. First add all types, then call
// nameTypes, and only then get Go types and declarations.
type typeSet struct {
	scope     scope // names of the package
	bigEndian bool
	// wanted holds the typedefs to declare although Go has their type.
	wanted map[btf.Type]bool
	decls  map[btf.Type]*decl
	// same caches the results of sameMembers.
	same map[[2]btf.Type]bool
	// counts caches the results of countMembers.
	counts map[btf.Type]int
	// cut holds the enums whose values are unknown, see object.Object.
	cut map[*btf.Enum]bool
	// order is the order in which types were added. It decides who gets a contested name.
	order []*decl

	usesBits bool
	wide     [2]*decl // unsigned and signed 128-bit integers; nil if unused
}

// A decl is one type declaration.
type decl struct {
	typ  btf.Type // *btf.Struct, *btf.Union, *btf.Enum, *btf.Typedef, or an *btf.Int of 16 bytes
	name string   // in Go
	c    string   // name in C; "" if it has none
	what string   // description in C, for the doc comment
	// A type without a name in C is named after the place of its use.
	parent *decl
	member string

	constants []string // names in Go, for an enum
	layout    *layout
}

func newTypeSet(cut map[*btf.Enum]bool, names scope, bigEndian bool) *typeSet {
	return &typeSet{
		cut:       cut,
		scope:     names,
		bigEndian: bigEndian,
		wanted:    map[btf.Type]bool{},
		decls:     map[btf.Type]*decl{},
		same:      map[[2]btf.Type]bool{},
		counts:    map[btf.Type]int{},
	}
}

// want adds a type that the user requested by name. A typedef gets its own declaration, unless it
// only replaces the tag.
func (ts *typeSet) want(t btf.Type) {
	if td, ok := t.(*btf.Typedef); ok {
		// A struct without a name is named after its typedef anyway.
		under := btf.QualifiedType(td.Type)
		if name := under.TypeName(); !ts.declarable(under) || name != "" && name != td.Name {
			ts.wanted[td] = true
		}
	}
	ts.add(t, nil, "")
}

// add adds a type and all types that it contains. A type without a name is named after member of
// parent, or after member alone if parent is nil.
func (ts *typeSet) add(t btf.Type, parent *decl, member string) {
	t = btf.QualifiedType(t)
	if ts.decls[t] != nil {
		return
	}
	switch t := t.(type) {
	case *btf.Array:
		ts.add(t.Type, parent, member)
	case *btf.Typedef:
		under := btf.QualifiedType(t.Type)
		switch {
		case ts.wanted[t]:
			ts.declare(&decl{typ: t, c: t.Name, what: "typedef " + t.Name})
		case ts.declarable(under) && under.TypeName() == "" && ts.decls[under] == nil:
			ts.declare(&decl{typ: under, c: t.Name, what: "typedef " + t.Name})
			return
		}
		ts.add(t.Type, parent, member)
	case *btf.Struct, *btf.Union, *btf.Enum:
		if ts.declarable(t) {
			ts.declare(&decl{typ: t, c: t.TypeName(), what: cName(t), parent: parent, member: member})
		}
	case *btf.Int:
		if t.Size == 16 {
			ts.int128(t.Encoding == btf.Signed)
		}
	}
}

// declarable reports whether t gets a declaration in Go.
func (ts *typeSet) declarable(t btf.Type) bool {
	switch t.(type) {
	case *btf.Struct, *btf.Union:
		return ts.countMembers(t) <= maxMembers
	case *btf.Enum:
		return true
	}
	return false
}

// maxMembers bounds the number of members of a type, including those of anonymous types in it. In C
// an anonymous type occurs in one place, but in BTF it can occur in many, and recursively so. A
// type with more members becomes bytes in Go.
const maxMembers = 1 << 16

// countMembers counts members up to maxMembers+1.
func (ts *typeSet) countMembers(t btf.Type) int {
	n, known := ts.counts[t]
	if !known {
		for _, m := range members(t) {
			n++
			if m.Name == "" && isAnonymous(m.Type) {
				n += ts.countMembers(btf.UnderlyingType(m.Type))
			}
			n = min(n, maxMembers+1)
		}
		ts.counts[t] = n
	}
	return n
}

// declare adds a declaration of d's type, unless the same type is declared already.
func (ts *typeSet) declare(d *decl) *decl {
	for _, old := range ts.order {
		if d.c != "" && old.what == d.what && ts.sameType(old.typ, d.typ) {
			ts.decls[d.typ] = old
			return old
		}
	}
	ts.decls[d.typ] = d
	ts.order = append(ts.order, d)
	ts.addMembers(d.typ, d)
	return d
}

// addMembers adds the types of the members of a struct or union. As in C, the members of an
// anonymous member belong to the type that contains it.
func (ts *typeSet) addMembers(t btf.Type, parent *decl) {
	for _, m := range members(t) {
		if m.Name == "" && isAnonymous(m.Type) {
			ts.addMembers(btf.UnderlyingType(m.Type), parent)
			continue
		}
		ts.add(m.Type, parent, m.Name)
	}
}

func members(t btf.Type) []btf.Member {
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members
	case *btf.Union:
		return t.Members
	}
	return nil
}

// isAnonymous reports whether a member without a name has members of its own.
func isAnonymous(t btf.Type) bool {
	return members(btf.UnderlyingType(t)) != nil
}

// nameTypes gives each declaration its Go name. Types with a name in C come first, so that their
// names do not depend on types without one.
func (ts *typeSet) nameTypes() {
	for _, d := range ts.order {
		if d.c != "" && d.name == "" {
			d.name = ts.scope.take(goName(d.c), goName(d.c)+kindSuffix(d.typ))
		}
	}
	for _, d := range ts.order {
		if d.name != "" {
			continue
		}
		name := goName(d.member)
		if d.parent != nil {
			name = d.parent.name + name
		}
		d.what = fmt.Sprintf("the %s of %s", d.what, d.place())
		d.name = ts.scope.take(name, name+kindSuffix(d.typ))
	}
	for _, d := range ts.order {
		if e, ok := d.typ.(*btf.Enum); ok && !ts.cut[e] {
			for _, v := range e.Values {
				d.constants = append(d.constants, ts.scope.take(d.name+goName(v.Name), d.name+goName(v.Name)+"Value"))
			}
		}
	}
}

// place describes the use of a type without a name in C: "struct event member in.addr".
func (d *decl) place() string {
	path := d.member
	for p := d.parent; p != nil; p = p.parent {
		if p.c != "" {
			return p.what + " member " + path
		}
		path = p.member + "." + path
	}
	return path
}

// kindSuffix returns a suffix that distinguishes types with the same name but different tags in C.
func kindSuffix(t btf.Type) string {
	switch t.(type) {
	case *btf.Struct:
		return "Struct"
	case *btf.Union:
		return "Union"
	case *btf.Enum:
		return "Enum"
	}
	return "Type"
}

// int128 returns the type for a 128-bit integer, which Go lacks, and declares it.
func (ts *typeSet) int128(signed bool) goType {
	i, name, what := 0, "Uint128", "unsigned __int128"
	if signed {
		i, name, what = 1, "Int128", "__int128"
	}
	if ts.wide[i] == nil {
		ts.wide[i] = &decl{typ: &btf.Int{Size: 16}, c: name, what: what, name: ts.scope.take(name)}
	}
	return goType{code: jen.Id(ts.wide[i].name), size: 16, align: 8}
}

// declType returns the Go type that d declares.
func (ts *typeSet) declType(d *decl) (goType, error) {
	switch t := d.typ.(type) {
	case *btf.Enum:
		g := intOfSize(t.Size, isSigned(t))
		g.code = jen.Id(d.name)
		return g, nil
	case *btf.Typedef:
		g, err := ts.goType(t.Type)
		g.code, g.note = jen.Id(d.name), ""
		return g, err
	}
	l, err := ts.layoutOf(d)
	if err != nil {
		return goType{}, err
	}
	return goType{code: jen.Id(d.name), size: l.size, align: l.align}, nil
}

// sorted returns all declarations by Go name.
func (ts *typeSet) sorted() []*decl {
	all := slices.Clone(ts.order)
	for _, d := range ts.wide {
		if d != nil {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b *decl) int { return cmp.Compare(a.name, b.name) })
	return all
}

// write declares all types.
func (ts *typeSet) write(f *jen.File) error {
	for _, d := range ts.sorted() {
		code, err := ts.declCode(d)
		if err != nil {
			return fmt.Errorf("%s: %w", d.what, err)
		}
		text := d.doc()
		e, _ := d.typ.(*btf.Enum)
		if ts.cut[e] {
			text += " Its values are unknown, since clang before 15 truncates 64-bit values."
		}
		doc(f, text)
		f.Type().Id(d.name).Add(ts.alias(d)).Add(code)
		switch t := d.typ.(type) {
		case *btf.Enum:
			if ts.cut[t] {
				t = &btf.Enum{Size: t.Size, Signed: t.Signed}
			}
			writeEnum(f, d, t)
		case *btf.Struct, *btf.Union:
			err = ts.writeAccessors(f, d)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", d.what, err)
		}
	}
	ts.writeHelpers(f)
	return nil
}

// declCode returns the part of d's declaration after the name.
func (ts *typeSet) declCode(d *decl) (*jen.Statement, error) {
	switch t := d.typ.(type) {
	case *btf.Enum:
		return intOfSize(t.Size, isSigned(t)).code, nil
	case *btf.Typedef:
		g, err := ts.goType(t.Type)
		return g.code, err
	case *btf.Int:
		return ts.int128Code(d), nil
	}
	return ts.structCode(d)
}

// alias returns "=" for a typedef of a type that is declared as well, since both are the same type
// in C.
func (ts *typeSet) alias(d *decl) *jen.Statement {
	if td, ok := d.typ.(*btf.Typedef); ok && ts.declarable(btf.UnderlyingType(td)) {
		return jen.Op("=")
	}
	return jen.Null()
}

func (d *decl) doc() string {
	text := d.name + " is " + d.what + "."
	switch d.typ.(type) {
	case *btf.Union:
		text += " Its members share their bytes. Methods return pointers to them."
	case *btf.Int:
		text += " Its value is Hi<<64 + Lo."
	}
	return text
}

// int128Code returns a struct of the two halves of a 128-bit integer, in memory order.
func (ts *typeSet) int128Code(d *decl) *jen.Statement {
	high := jen.Id("Hi").Uint64()
	if d == ts.wide[1] {
		high = jen.Id("Hi").Int64()
	}
	halves := []jen.Code{jen.Id("Lo").Uint64(), high}
	if ts.bigEndian {
		slices.Reverse(halves)
	}
	return jen.Struct(append([]jen.Code{hostLayout()}, halves...)...)
}

// sameType reports whether two types are the same in Go, since a compiler or linker may repeat a
// type. It ignores the types that pointers point to, so there are no cycles.
func (ts *typeSet) sameType(a, b btf.Type) bool {
	a, b = btf.QualifiedType(a), btf.QualifiedType(b)
	if a == b {
		return true
	}
	switch a := a.(type) {
	case *btf.Int:
		b, ok := b.(*btf.Int)
		return ok && *a == *b
	case *btf.Float:
		b, ok := b.(*btf.Float)
		return ok && a.Size == b.Size
	case *btf.Pointer:
		_, ok := b.(*btf.Pointer)
		return ok
	case *btf.Array:
		b, ok := b.(*btf.Array)
		return ok && a.Nelems == b.Nelems && ts.sameType(a.Type, b.Type)
	case *btf.Typedef:
		b, ok := b.(*btf.Typedef)
		return ok && a.Name == b.Name && ts.sameType(a.Type, b.Type)
	case *btf.Enum:
		b, ok := b.(*btf.Enum)
		return ok && a.Name == b.Name && a.Size == b.Size && a.Signed == b.Signed && slices.Equal(a.Values, b.Values)
	case *btf.Struct:
		b, ok := b.(*btf.Struct)
		return ok && a.Name == b.Name && a.Size == b.Size && ts.sameMembers(a, b)
	case *btf.Union:
		b, ok := b.(*btf.Union)
		return ok && a.Name == b.Name && a.Size == b.Size && ts.sameMembers(a, b)
	}
	return false
}

// sameMembers reports whether two structs or unions have the same members. It caches the result, or
// each level of structs would at least double the work.
func (ts *typeSet) sameMembers(a, b btf.Type) bool {
	pair := [2]btf.Type{a, b}
	same, known := ts.same[pair]
	if !known {
		same = slices.EqualFunc(members(a), members(b), func(a, b btf.Member) bool {
			return a.Name == b.Name && a.Offset == b.Offset && a.BitfieldSize == b.BitfieldSize && ts.sameType(a.Type, b.Type)
		})
		ts.same[pair] = same
	}
	return same
}

// declareSection declares a struct for a section. Its variables are not members in C, so types
// without a name are named after the variable alone.
func (ts *typeSet) declareSection(d *decl) {
	ts.decls[d.typ] = d
	ts.order = append(ts.order, d)
	for _, m := range members(d.typ) {
		ts.add(m.Type, nil, m.Name)
	}
}
