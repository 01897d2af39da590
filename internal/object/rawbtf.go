package object

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Short names of the kinds of types.
const (
	kindInt       = sys.BtfKindInt
	kindPtr       = sys.BtfKindPtr
	kindArray     = sys.BtfKindArray
	kindStruct    = sys.BtfKindStruct
	kindUnion     = sys.BtfKindUnion
	kindEnum      = sys.BtfKindEnum
	kindFwd       = sys.BtfKindFwd
	kindTypedef   = sys.BtfKindTypedef
	kindVolatile  = sys.BtfKindVolatile
	kindConst     = sys.BtfKindConst
	kindRestrict  = sys.BtfKindRestrict
	kindFunc      = sys.BtfKindFunc
	kindFuncProto = sys.BtfKindFuncProto
	kindVar       = sys.BtfKindVar
	kindDatasec   = sys.BtfKindDatasec
	kindFloat     = sys.BtfKindFloat
	kindDeclTag   = sys.BtfKindDeclTag
	kindTypeTag   = sys.BtfKindTypeTag
	kindEnum64    = sys.BtfKindEnum64
)

const (
	btfHeaderSize = sys.BtfHeaderSize
	btfTypeSize   = sys.BtfTypeSize
)

// Bounds on what a decoder of the types may be made to do. A name may be shared
// by any number of types and a chain of types may be as long as the file,
// so neither is bounded by the file's size.
const (
	maxNameBytes = 32 << 20 // of all names in all types
	maxTypeDepth = 8192     // types that lead to each other, in the order of their IDs; in vmlinux not 3000
	maxNesting   = 256      // types that are part of each other; in vmlinux not 40
	maxTypes     = 1 << 19  // vmlinux has a quarter of it
	maxBTF       = 16 << 20 // the kernel's BTF_MAX_SIZE
)

// rawBTF is BTF as bytes that can be changed in place, so that the IDs of its
// types and the offsets of its strings stay those of the file.
type rawBTF struct {
	order binary.ByteOrder
	types []byte
	offs  []int  // by type ID: where in types it begins; that of void is -1
	strs  string // zero-terminated strings
}

// noBTF is the BTF of an object that has none: no types.
func noBTF(order binary.ByteOrder) *rawBTF {
	return &rawBTF{order: order, offs: []int{-1}, strs: "\x00"}
}

func parseBTF(data []byte, order binary.ByteOrder) (*rawBTF, error) {
	if len(data) < btfHeaderSize {
		return nil, fmt.Errorf("header: %w", errTruncated)
	}
	if len(data) > maxBTF {
		return nil, fmt.Errorf("%d bytes are too many", len(data))
	}
	if order.Uint16(data) != sys.BtfMagic {
		return nil, errors.New("not BTF in this byte order")
	}
	if version := data[2]; version != 1 {
		return nil, fmt.Errorf("version %d", version)
	}
	part := func(off, size int) ([]byte, error) {
		hdr := uint64(order.Uint32(data[4:]))
		begin := hdr + uint64(order.Uint32(data[off:]))
		end := begin + uint64(order.Uint32(data[size:]))
		if hdr < uint64(btfHeaderSize) || end > uint64(len(data)) {
			return nil, errTruncated
		}
		return data[begin:end], nil
	}
	types, err := part(8, 12)
	if err != nil {
		return nil, fmt.Errorf("types: %w", err)
	}
	strs, err := part(16, 20)
	if err != nil {
		return nil, fmt.Errorf("strings: %w", err)
	}
	if len(strs) == 0 || strs[0] != 0 || strs[len(strs)-1] != 0 {
		return nil, errors.New("strings: no zeros around them")
	}
	b := &rawBTF{order: order, types: bytes.Clone(types), strs: string(strs), offs: []int{-1}}
	for off := 0; off < len(types); {
		size, err := b.recordSize(off)
		if err != nil {
			return nil, fmt.Errorf("type %d: %w", len(b.offs), err)
		}
		b.offs = append(b.offs, off)
		off += size
	}
	if len(b.offs) > maxTypes {
		return nil, fmt.Errorf("%d types are too many", len(b.offs))
	}
	if err := b.checkNames(); err != nil {
		return nil, err
	}
	if err := b.checkDepth(); err != nil {
		return nil, err
	}
	return b, b.checkNesting()
}

// marshal returns what BPF_BTF_LOAD takes. The header is always the short one.
func (b *rawBTF) marshal() []byte {
	out := make([]byte, btfHeaderSize, btfHeaderSize+len(b.types)+len(b.strs))
	b.order.PutUint16(out, sys.BtfMagic)
	out[2] = 1
	b.order.PutUint32(out[4:], uint32(btfHeaderSize))
	b.order.PutUint32(out[12:], uint32(len(b.types)))
	b.order.PutUint32(out[16:], uint32(len(b.types)))
	b.order.PutUint32(out[20:], uint32(len(b.strs)))
	return append(append(out, b.types...), b.strs...)
}

// recordSize is the size of a type's record, which has to lie within b.types.
func (b *rawBTF) recordSize(off int) (int, error) {
	if len(b.types)-off < btfTypeSize {
		return 0, errTruncated
	}
	info := b.order.Uint32(b.types[off+4:])
	vlen := sys.BtfInfoVlen(info)
	size := btfTypeSize
	switch kind := sys.BtfInfoKind(info); kind {
	case kindPtr, kindFwd, kindTypedef, kindVolatile, kindConst, kindRestrict, kindFunc, kindFloat, kindTypeTag:
	case kindInt:
		size += sys.BtfIntSize
	case kindVar:
		size += sys.BtfVarSize
	case kindDeclTag:
		size += sys.BtfDeclTagSize
	case kindArray:
		size += sys.BtfArraySize
	case kindStruct, kindUnion:
		size += sys.BtfMemberSize * vlen
	case kindDatasec:
		size += sys.BtfVarSecinfoSize * vlen
	case kindEnum64:
		size += sys.BtfEnum64Size * vlen
	case kindEnum:
		size += sys.BtfEnumSize * vlen
	case kindFuncProto:
		size += sys.BtfParamSize * vlen
	default:
		return 0, fmt.Errorf("unknown kind %d", kind)
	}
	if kind := sys.BtfInfoKind(info); kind == kindEnum || kind == kindEnum64 {
		// The kernel takes no other (btf_enum_check_meta), and no integer of Go has another.
		// One that is only declared has neither size nor values; see sizeForwardEnums.
		if n := b.order.Uint32(b.types[off+8:]); (n != 0 || vlen != 0) && (n > 8 || bits.OnesCount32(n) != 1) {
			return 0, fmt.Errorf("an enum of %d bytes", n)
		}
	}
	if len(b.types)-off < size {
		return 0, errTruncated
	}
	return size, nil
}

// has reports whether there is a type of this ID other than void.
func (b *rawBTF) has(id btf.TypeID) bool { return id > 0 && int(id) < len(b.offs) }

// field is a word of a type's record, at an offset in bytes. The ID has to exist.
func (b *rawBTF) field(id btf.TypeID, off int) uint32 {
	return b.order.Uint32(b.types[b.offs[id]+off:])
}

func (b *rawBTF) setField(id btf.TypeID, off int, v uint32) {
	b.order.PutUint32(b.types[b.offs[id]+off:], v)
}

// kind of a type; 0, that of void, if there is none of this ID.
func (b *rawBTF) kind(id btf.TypeID) int {
	if !b.has(id) {
		return 0
	}
	return int(sys.BtfInfoKind(b.field(id, 4)))
}

func (b *rawBTF) vlen(id btf.TypeID) int { return sys.BtfInfoVlen(b.field(id, 4)) }

// ref is the type that a pointer, typedef, qualifier, function or variable refers to.
func (b *rawBTF) ref(id btf.TypeID) btf.TypeID { return btf.TypeID(b.field(id, 8)) }

// name of a type, "" if it has none.
func (b *rawBTF) name(id btf.TypeID) string { return b.str(b.field(id, 0)) }

func (b *rawBTF) str(off uint32) string {
	s, _ := stringAt(b.strs, uint64(off))
	return s
}

// The linkage of a function is in the bits where others have their length,
// that of a variable is a word of its own.
const (
	linkageStatic = sys.BtfFuncStatic
	linkageGlobal = sys.BtfFuncGlobal
	linkageExtern = sys.BtfFuncExtern
)

func (b *rawBTF) linkage(id btf.TypeID) uint32 {
	if b.kind(id) == kindFunc {
		return b.field(id, 4) & 0xffff
	}
	return b.field(id, btfTypeSize)
}

func (b *rawBTF) setLinkage(id btf.TypeID, linkage uint32) {
	if b.kind(id) == kindFunc {
		b.setField(id, 4, b.field(id, 4)&^0xffff|linkage)
		return
	}
	b.setField(id, btfTypeSize, linkage)
}

// add appends a type without a tail, or with one of whole words, and returns its ID.
func (b *rawBTF) add(name string, kind int, ref uint32, tail ...uint32) btf.TypeID {
	nameOff := uint32(len(b.strs))
	b.strs += name + "\x00"
	b.offs = append(b.offs, len(b.types))
	for _, word := range append([]uint32{nameOff, uint32(kind) << 24, ref}, tail...) {
		b.types = append(b.types, 0, 0, 0, 0)
		b.order.PutUint32(b.types[len(b.types)-4:], word)
	}
	return btf.TypeID(len(b.offs) - 1)
}

// record is all that a type has in the types.
func (b *rawBTF) record(id btf.TypeID) []byte {
	end := len(b.types)
	if b.has(id + 1) {
		end = b.offs[id+1]
	}
	return b.types[b.offs[id]:end]
}

// skipMods follows typedefs and qualifiers, as libbpf's skip_mods_and_typedefs does.
func (b *rawBTF) skipMods(id btf.TypeID) btf.TypeID {
	for range b.offs { // there may be a cycle
		switch b.kind(id) {
		case kindTypedef, kindVolatile, kindConst, kindRestrict, kindTypeTag:
			id = b.ref(id)
		default:
			return id
		}
	}
	return 0
}

// eachName calls f with the offset of each name in a type's record.
func (b *rawBTF) eachName(id btf.TypeID, f func(off uint32)) {
	f(b.field(id, 0))
	stride := 0
	switch b.kind(id) {
	case kindStruct, kindUnion, kindEnum64:
		stride = 12
	case kindEnum, kindFuncProto:
		stride = 8
	}
	if stride != 0 {
		for i := range b.vlen(id) {
			f(b.field(id, btfTypeSize+i*stride))
		}
	}
}

// checkNames checks that every name is there and fit for one line, and bounds them all together.
// Names go into errors, those of package btf among them, and into generated code. The kernel takes
// fewer (btf_name_valid_identifier in kernel/bpf/btf.c); only tags are free text to it.
func (b *rawBTF) checkNames() error {
	budget := maxNameBytes
	for id := btf.TypeID(1); b.has(id); id++ {
		bad := false
		tag := b.kind(id) == kindDeclTag || b.kind(id) == kindTypeTag
		b.eachName(id, func(off uint32) {
			if off == 0 || budget < 0 {
				return
			}
			s, ok := stringAt(b.strs, uint64(off))
			bad = bad || !ok || !tag && strings.ContainsFunc(s, unprintable)
			budget -= len(s)
		})
		if bad {
			return fmt.Errorf("type %d: no valid name", id)
		}
		if budget < 0 {
			return errors.New("names too long")
		}
	}
	return nil
}

// eachRef calls f with each type that a type's record refers to, in the order
// in which package btf follows them.
func (b *rawBTF) eachRef(id btf.TypeID, f func(btf.TypeID)) {
	word := func(off int) { f(btf.TypeID(b.field(id, off))) }
	switch b.kind(id) {
	case kindPtr, kindTypedef, kindVolatile, kindConst, kindRestrict, kindFunc, kindVar, kindDeclTag, kindTypeTag:
		word(8)
	case kindArray:
		word(btfTypeSize + 4) // of the index
		word(btfTypeSize)
	case kindStruct, kindUnion:
		for i := range b.vlen(id) {
			word(btfTypeSize + i*12 + 4)
		}
	case kindFuncProto:
		for i := range b.vlen(id) {
			word(btfTypeSize + i*8 + 4)
		}
		word(8)
	case kindDatasec:
		for i := range b.vlen(id) {
			word(btfTypeSize + i*12)
		}
	}
}

// checkDepth bounds how deep a recursion over the types gets that begins at
// each type in turn and never visits one twice, which is what a decoder does,
// and checks that all that is referred to is there.
func (b *rawBTF) checkDepth() error {
	seen := make([]bool, len(b.offs))
	type step struct {
		id    btf.TypeID
		depth int
	}
	var stack []step
	for id := btf.TypeID(1); b.has(id); id++ {
		stack = append(stack[:0], step{id, 0})
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[top.id] {
				continue
			}
			seen[top.id] = true
			if top.depth > maxTypeDepth {
				return fmt.Errorf("type %d: nested too deep", id)
			}
			bad := false
			mark := len(stack)
			b.eachRef(top.id, func(ref btf.TypeID) {
				if ref != 0 && !b.has(ref) {
					bad = true
				} else if ref != 0 && !seen[ref] {
					stack = append(stack, step{ref, top.depth + 1})
				}
			})
			if bad {
				return fmt.Errorf("type %d: refers to a type that is not there", top.id)
			}
			// The first reference is to be visited first.
			for i, j := mark, len(stack)-1; i < j; i, j = i+1, j-1 {
				stack[i], stack[j] = stack[j], stack[i]
			}
		}
	}
	return nil
}

// eachPart calls f with each type that a type has within itself, in contrast to those that it
// points to.
func (b *rawBTF) eachPart(id btf.TypeID, f func(btf.TypeID)) {
	switch b.kind(id) {
	case kindPtr, kindFunc, kindFuncProto, kindDeclTag:
		return
	}
	b.eachRef(id, func(part btf.TypeID) {
		if part != 0 {
			f(part)
		}
	})
}

// checkNesting bounds how many types are part of each other, and checks that none is part of
// itself, which the kernel refuses as well (btf_resolve): who follows the parts of a type comes to
// an end.
func (b *rawBTF) checkNesting() error {
	const open = -1 // height of a type whose parts are looked at
	heights := make([]int, len(b.offs))
	var stack []btf.TypeID
	for id := btf.TypeID(1); b.has(id); id++ {
		stack = append(stack[:0], id)
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			if heights[top] != 0 {
				// For the second time: the parts, which were above it, are done.
				stack = stack[:len(stack)-1]
				height := 1
				b.eachPart(top, func(part btf.TypeID) { height = max(height, 1+heights[part]) })
				if height > maxNesting {
					return fmt.Errorf("type %d: nested too deep", top)
				}
				heights[top] = height
				continue
			}
			heights[top] = open
			loop := false
			b.eachPart(top, func(part btf.TypeID) {
				loop = loop || heights[part] == open
				if heights[part] == 0 {
					stack = append(stack, part)
				}
			})
			if loop {
				return fmt.Errorf("type %d: a part of itself", top)
			}
		}
	}
	return nil
}
