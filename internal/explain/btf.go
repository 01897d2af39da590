package explain

import (
	"encoding/binary"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// types reads an object's own BTF, as far as error messages need it. It trusts nothing that it reads.
type types struct {
	buf     string // what follows the header's type_off: all types
	strings string
	offs    []int // of types in buf, by ID; 0 is void
}

// Kinds of include/uapi/linux/btf.h.
const (
	btfInt = iota + 1
	btfPtr
	btfArray
	btfStruct
	btfUnion
	btfEnum
	btfFwd
	btfTypedef
	btfVolatile
	btfConst
	btfRestrict
	btfFunc
	btfFuncProto
	btfVar
	btfDatasec
	btfFloat
	btfDeclTag
	btfTypeTag
	btfEnum64
)

// Sizes of struct btf_type, and of struct btf_member.
const (
	commonSize = 12
	memberSize = 12
)

// objectTypes decodes the object's BTF. It returns nil if the object has none that makes sense.
func objectTypes(s *spec.Spec) *types {
	b := s.BTF
	if b.Attr == 0 || uint64(b.Data)+uint64(b.Size) > uint64(len(s.Blob)) {
		return nil
	}
	return decodeTypes(s.Blob[b.Data:][:b.Size])
}

func decodeTypes(raw string) *types {
	const headerSize = 24
	if len(raw) < headerSize {
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
	for at := 0; at+commonSize <= len(t.buf); {
		size, ok := t.size(at)
		if !ok || at+size > len(t.buf) {
			break
		}
		t.offs = append(t.offs, at)
		at += size
	}
	return t
}

// size returns the size of the type at an offset, with all that follows its struct btf_type.
func (t *types) size(at int) (size int, ok bool) {
	info := t.word(at + 4)
	n := int(info & 0xffff)
	switch info >> 24 & 0x1f {
	case btfInt, btfVar, btfDeclTag:
		return commonSize + 4, true
	case btfArray:
		return commonSize + 12, true
	case btfStruct, btfUnion, btfDatasec, btfEnum64:
		return commonSize + n*12, true
	case btfEnum, btfFuncProto:
		return commonSize + n*8, true
	case btfPtr, btfFwd, btfTypedef, btfVolatile, btfConst, btfRestrict, btfFunc, btfFloat, btfTypeTag:
		return commonSize, true
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

// word reads 32 bits that are known to be in buf.
func (t *types) word(at int) uint32 { return binary.NativeEndian.Uint32([]byte(t.buf[at:][:4])) }

// kind returns a type's kind, 0 for void and for a type that does not exist.
func (t *types) kind(id uint32) uint32 {
	at, ok := t.at(id)
	if !ok {
		return 0
	}
	return t.word(at+4) >> 24 & 0x1f
}

// part returns the offset of the i'th member, or value, of a type.
func (t *types) part(id uint32, i, size int) (int, bool) {
	at, ok := t.at(id)
	if !ok || i >= int(t.word(at+4)&0xffff) {
		return 0, false
	}
	return at + commonSize + i*size, true
}

// tail returns the offset of the size bytes that follow the struct btf_type.
func (t *types) tail(id uint32, size int) (int, bool) {
	at, ok := t.at(id)
	if !ok || at+commonSize+size > len(t.buf) {
		return 0, false
	}
	return at + commonSize, true
}

// str returns the string at an offset.
func (t *types) str(off uint32) (string, bool) {
	if uint64(off) >= uint64(len(t.strings)) {
		return "", false
	}
	s, _, ok := strings.Cut(t.strings[off:], "\x00")
	return s, ok
}

// skip goes through typedefs and qualifiers.
func (t *types) skip(id uint32) uint32 {
	for range maxWalk {
		switch t.kind(id) {
		case btfTypedef, btfVolatile, btfConst, btfRestrict, btfTypeTag:
			at, _ := t.at(id)
			id = t.word(at + 8)
		default:
			return id
		}
	}
	return 0
}
