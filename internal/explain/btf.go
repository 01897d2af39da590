package explain

import (
	"encoding/binary"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// types decodes the parts of an object's own BTF that error messages need. It validates everything
// that it reads.
type types struct {
	buf     string // the data from the header's type_off on: all types
	strings string
	offs    []int // of types in buf, by ID; 0 is void
}

// objectTypes decodes the object's BTF. It returns nil if the object has no valid BTF.
func objectTypes(s *spec.Spec) *types {
	b := s.BTF
	if b.Attr == 0 || uint64(b.Data)+uint64(b.Size) > uint64(len(s.Blob)) {
		return nil
	}
	return decodeTypes(s.Blob[b.Data:][:b.Size])
}

func decodeTypes(raw string) *types {
	if len(raw) < sys.BtfHeaderSize {
		return nil
	}
	word := func(off int) uint64 { return uint64(binary.NativeEndian.Uint32([]byte(raw[off:][:4]))) }
	part := func(off, size uint64) string {
		off += word(4)
		if off+size > uint64(len(raw)) {
			return ""
		}
		return raw[off:][:size]
	}
	t := &types{buf: part(word(8), word(12)), strings: part(word(16), word(20)), offs: []int{-1}}
	for at := 0; at+sys.BtfTypeSize <= len(t.buf); {
		size, ok := t.size(at)
		if !ok || at+size > len(t.buf) {
			break
		}
		t.offs = append(t.offs, at)
		at += size
	}
	return t
}

// size returns the size of the type at an offset, including the data after its struct btf_type.
func (t *types) size(at int) (size int, ok bool) {
	info := t.word(at + 4)
	n := sys.BtfInfoVlen(info)
	switch sys.BtfInfoKind(info) {
	case sys.BtfKindInt:
		return sys.BtfTypeSize + sys.BtfIntSize, true
	case sys.BtfKindVar:
		return sys.BtfTypeSize + sys.BtfVarSize, true
	case sys.BtfKindDeclTag:
		return sys.BtfTypeSize + sys.BtfDeclTagSize, true
	case sys.BtfKindArray:
		return sys.BtfTypeSize + sys.BtfArraySize, true
	case sys.BtfKindStruct, sys.BtfKindUnion:
		return sys.BtfTypeSize + n*sys.BtfMemberSize, true
	case sys.BtfKindDatasec:
		return sys.BtfTypeSize + n*sys.BtfVarSecinfoSize, true
	case sys.BtfKindEnum64:
		return sys.BtfTypeSize + n*sys.BtfEnum64Size, true
	case sys.BtfKindEnum:
		return sys.BtfTypeSize + n*sys.BtfEnumSize, true
	case sys.BtfKindFuncProto:
		return sys.BtfTypeSize + n*sys.BtfParamSize, true
	case sys.BtfKindPtr, sys.BtfKindFwd, sys.BtfKindTypedef, sys.BtfKindVolatile, sys.BtfKindConst, sys.BtfKindRestrict, sys.BtfKindFunc, sys.BtfKindFloat, sys.BtfKindTypeTag:
		return sys.BtfTypeSize, true
	}
	return 0, false
}

// at returns the offset at which a type begins.
func (t *types) at(id uint32) (int, bool) {
	if id == 0 || uint64(id) >= uint64(len(t.offs)) {
		return 0, false
	}
	return t.offs[id], true
}

// word returns the 32-bit word at an offset, which must be in buf.
//
//go:noinline
func (t *types) word(at int) uint32 { return binary.NativeEndian.Uint32([]byte(t.buf[at:][:4])) }

// kind returns a type's kind, or 0 for void and for a type that does not exist.
func (t *types) kind(id uint32) uint32 {
	at, ok := t.at(id)
	if !ok {
		return 0
	}
	return sys.BtfInfoKind(t.word(at + 4))
}

// part returns the offset of the i'th member, or value, of a type.
func (t *types) part(id uint32, i, size int) (int, bool) {
	at, ok := t.at(id)
	if !ok || i >= sys.BtfInfoVlen(t.word(at+4)) {
		return 0, false
	}
	return at + sys.BtfTypeSize + i*size, true
}

// tail returns the offset of the size bytes that follow the struct btf_type.
func (t *types) tail(id uint32, size int) (int, bool) {
	at, ok := t.at(id)
	if !ok || at+sys.BtfTypeSize+size > len(t.buf) {
		return 0, false
	}
	return at + sys.BtfTypeSize, true
}

// str returns the string at an offset.
func (t *types) str(off uint32) (string, bool) {
	if uint64(off) >= uint64(len(t.strings)) {
		return "", false
	}
	s, _, ok := strings.Cut(t.strings[off:], "\x00")
	return s, ok
}

// skip follows typedefs and qualifiers.
func (t *types) skip(id uint32) uint32 {
	for range maxWalk {
		switch t.kind(id) {
		case sys.BtfKindTypedef, sys.BtfKindVolatile, sys.BtfKindConst, sys.BtfKindRestrict, sys.BtfKindTypeTag:
			at, _ := t.at(id)
			id = t.word(at + 8)
		default:
			return id
		}
	}
	return 0
}
