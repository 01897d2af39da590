package codegen

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/cilium/ebpf/btf"
)

// maxAlign is the strictest alignment of types in Go.
const maxAlign = 8

// A layout is the layout of the Go struct for a C struct or union. Every byte of the C type belongs
// to exactly one piece, so nothing depends on padding that Go would insert.
type layout struct {
	size, align uint32
	// filler is the alignment of an empty array at the start of the struct, or 0 if the fields have
	// the alignment.
	filler  uint32
	pieces  []piece
	members []*member // in the order of the C source
}

// A piece is a range of bytes: a field, storage for accessors, or padding.
type piece struct {
	offset, size uint32
	field        *member // nil for storage and padding
	storage      bool
}

// access is the way in which Go accesses a member.
type access uint8

const (
	asField    access = iota
	asPointer         // a method that returns a pointer: members of unions
	asValue           // a getter and a setter: members that are not aligned
	asBits            // a getter and a setter of a bit-field
	asFlexible        // a method for the bytes after the struct
)

// A member is a named member of a struct or union, or of an anonymous struct or union in it.
type member struct {
	name   string // in Go
	c      string
	typ    btf.Type
	offset uint32 // bits
	bits   uint32 // width of a bit-field; 0 for other members
	size   uint32 // bytes
	align  uint32
	access access
	inside string // "union" if it shares its bytes with other members
}

func (m *member) start() uint32 { return m.offset / 8 }

// end returns the first byte after the member. It fits in 32 bits if the member is within its type.
func (m *member) end() uint64 {
	if m.bits > 0 {
		return (uint64(m.offset) + uint64(m.bits) + 7) / 8
	}
	return uint64(m.start()) + uint64(m.size)
}

// layoutOf returns the layout of a declaration's type.
func (ts *typeSet) layoutOf(d *decl) (*layout, error) {
	if d.layout != nil {
		return d.layout, nil
	}
	size, err := btf.Sizeof(d.typ)
	if err != nil {
		return nil, err
	}
	_, union := d.typ.(*btf.Union)
	l := &layout{size: uint32(size)}
	if err := ts.collect(l, d.typ, 0, union); err != nil {
		return nil, err
	}
	l.place()
	l.cut()
	l.nameMembers()
	d.layout = l
	return l, nil
}

// open reports whether an array without a fixed length follows the type.
func (l *layout) open() bool {
	return l != nil && len(l.members) > 0 && l.members[len(l.members)-1].access == asFlexible
}

// collect adds the members of t, which is at bit base of the type that is laid out.
func (ts *typeSet) collect(l *layout, t btf.Type, base uint32, shared bool) error {
	for _, m := range members(t) {
		if uint64(base)+uint64(m.Offset) > math.MaxUint32 {
			return fmt.Errorf("member %s: offset too large", m.Name)
		}
		offset := base + uint32(m.Offset)
		if m.Name == "" {
			if isAnonymous(m.Type) {
				inner := btf.UnderlyingType(m.Type)
				_, union := inner.(*btf.Union)
				if err := ts.collect(l, inner, offset, shared || union); err != nil {
					return err
				}
			}
			continue // an anonymous bit-field is padding
		}
		g, err := ts.goType(m.Type)
		if err != nil {
			return fmt.Errorf("member %s: %w", m.Name, err)
		}
		mem := &member{c: m.Name, typ: m.Type, offset: offset, bits: uint32(m.BitfieldSize), size: g.size, align: g.align}
		if shared {
			mem.inside = "union"
		}
		switch {
		case mem.bits > 0 && !holdsBits(m):
			return fmt.Errorf("member %s: bit-field of %d bits in type %s", m.Name, m.BitfieldSize, cName(m.Type))
		case mem.bits == 0 && offset%8 != 0:
			return fmt.Errorf("member %s does not begin at a byte boundary", m.Name)
		case mem.end() > uint64(l.size):
			return fmt.Errorf("member %s exceeds its type of %d bytes", m.Name, l.size)
		}
		l.members = append(l.members, mem)
	}
	return nil
}

// holdsBits reports whether a bit-field has an integer type that is wide enough, which the kernel
// requires too (btf_int_check_kflag_member, btf_enum_check_kflag_member).
func holdsBits(m btf.Member) bool {
	var size uint32
	switch t := btf.UnderlyingType(m.Type).(type) {
	case *btf.Int:
		size = t.Size
	case *btf.Enum:
		size = t.Size
	}
	switch size {
	case 1, 2, 4, 8, 16:
		return uint32(m.BitfieldSize) <= 8*size
	}
	return false
}

// place decides how Go accesses each member.
func (l *layout) place() {
	var used uint32 // the first byte after all fields so far
	var pointers uint32
	fields := uint32(1)
	for _, m := range l.byOffset() {
		aligned := m.align != 0 && m.start()%m.align == 0 && l.size%m.align == 0
		switch {
		case m.bits > 0:
			m.access = asBits
		case m.size == 0:
			// An empty array marks the data that follows the struct. An empty struct needs no
			// access, but a pointer is harmless.
			m.access = asPointer
			if _, ok := btf.UnderlyingType(m.typ).(*btf.Array); ok {
				m.access = asFlexible
			}
		case !aligned:
			m.access = asValue
		case m.inside != "" || m.start() < used:
			m.access = asPointer
			pointers = max(pointers, m.align)
		default:
			m.access = asField
			used = uint32(m.end())
			fields = max(fields, m.align)
		}
	}
	l.align = max(fields, pointers)
	if pointers > fields {
		l.filler = pointers
	}
}

func (l *layout) byOffset() []*member {
	sorted := slices.Clone(l.members)
	slices.SortStableFunc(sorted, func(a, b *member) int { return int(a.offset) - int(b.offset) })
	return sorted
}

// cut divides the type's bytes into pieces.
func (l *layout) cut() {
	stored := l.storage()
	pos := uint32(0)
	gap := func(end uint32) {
		for pos < end {
			for len(stored) > 0 && stored[0].end <= pos {
				stored = stored[1:]
			}
			p := piece{offset: pos}
			next := end
			if len(stored) > 0 {
				p.storage = stored[0].start <= pos
				if p.storage {
					next = min(end, stored[0].end)
				} else {
					next = min(end, stored[0].start)
				}
			}
			p.size = next - pos
			pos = next
			l.pieces = append(l.pieces, p)
		}
	}
	for _, m := range l.byOffset() {
		if m.access == asField {
			gap(m.start())
			l.pieces = append(l.pieces, piece{offset: pos, size: m.size, field: m})
			pos = uint32(m.end())
		}
	}
	gap(l.size)
}

// span is a range of bytes.
type span struct{ start, end uint32 }

// storage returns the ranges of the members that are not fields.
func (l *layout) storage() []span {
	var all []span
	for _, m := range l.members {
		if s := (span{m.start(), uint32(m.end())}); m.access != asField && s.start < s.end {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var merged []span
	for _, s := range all {
		if n := len(merged); n > 0 && s.start <= merged[n-1].end {
			merged[n-1].end = max(merged[n-1].end, s.end)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// nameMembers gives members Go names that are unique in the type. Fields come first, since most
// code uses them.
func (l *layout) nameMembers() {
	names := scope{}
	for _, m := range l.members {
		if m.access == asField {
			m.name = names.take(goName(m.c))
		}
	}
	for _, m := range l.members {
		switch m.access {
		case asPointer, asFlexible:
			m.name = names.take(goName(m.c))
		case asValue, asBits:
			m.name = names.takePair(goName(m.c), "Set")
		}
	}
}
