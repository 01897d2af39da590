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

// Bounds on the work of a decoder of the types. Any number of types may share a name, and a chain
// of types may be as long as the file, so the size of the file is not a bound for either.
const (
	maxNameBytes = 32 << 20 // of all names in all types
	maxTypeDepth = 8192     // types that refer to each other, visited in the order of their IDs; below 3000 in vmlinux
	maxNesting   = 256      // types that contain each other; below 40 in vmlinux
	maxTypes     = 1 << 19  // vmlinux has a quarter of this
	maxBTF       = 16 << 20 // the kernel's BTF_MAX_SIZE
)

// rawBTF is BTF as bytes that are changed in place, so that type IDs and string offsets stay those
// of the file.
type rawBTF struct {
	order binary.ByteOrder
	types []byte
	offs  []int  // start of each type in types, by type ID; -1 for void
	strs  string // zero-terminated strings
}

// noBTF returns BTF without types, for objects that have no BTF.
func noBTF(order binary.ByteOrder) *rawBTF {
	return &rawBTF{order: order, offs: []int{-1}, strs: "\x00"}
}

func parseBTF(data []byte, order binary.ByteOrder) (*rawBTF, error) {
	if len(data) < btfHeaderSize {
		return nil, fmt.Errorf("header: %w", errTruncated)
	}
	if len(data) > maxBTF {
		return nil, fmt.Errorf("too large: %d bytes", len(data))
	}
	if order.Uint16(data) != sys.BtfMagic {
		return nil, errors.New("not BTF in this byte order")
	}
	if version := data[2]; version != 1 {
		return nil, fmt.Errorf("unsupported version %d", version)
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
		return nil, errors.New("strings: no zero at the start or the end")
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
		return nil, fmt.Errorf("too many types: %d", len(b.offs))
	}
	if err := b.checkNames(); err != nil {
		return nil, err
	}
	if err := b.checkDepth(); err != nil {
		return nil, err
	}
	return b, b.checkNesting()
}

// marshal returns the BTF for BPF_BTF_LOAD, always with the short header.
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

// recordSize returns the size of the type's record at an offset, and an error if it exceeds
// b.types.
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
		// The kernel accepts no other sizes (btf_enum_check_meta), and Go's integers have no
		// others. An enum that is only declared has neither size nor values: see sizeForwardEnums.
		if n := b.order.Uint32(b.types[off+8:]); (n != 0 || vlen != 0) && (n > 8 || bits.OnesCount32(n) != 1) {
			return 0, fmt.Errorf("invalid enum of %d bytes", n)
		}
	}
	if len(b.types)-off < size {
		return 0, errTruncated
	}
	return size, nil
}

// has reports whether id is that of a type other than void.
func (b *rawBTF) has(id btf.TypeID) bool { return id > 0 && int(id) < len(b.offs) }

// field returns the word at a byte offset of a type's record. The type must exist.
func (b *rawBTF) field(id btf.TypeID, off int) uint32 {
	return b.order.Uint32(b.types[b.offs[id]+off:])
}

func (b *rawBTF) setField(id btf.TypeID, off int, v uint32) {
	b.order.PutUint32(b.types[b.offs[id]+off:], v)
}

// kind returns the kind of a type, or 0, the kind of void, if there is no such type.
func (b *rawBTF) kind(id btf.TypeID) int {
	if !b.has(id) {
		return 0
	}
	return int(sys.BtfInfoKind(b.field(id, 4)))
}

func (b *rawBTF) vlen(id btf.TypeID) int { return sys.BtfInfoVlen(b.field(id, 4)) }

// ref returns the type that a pointer, typedef, qualifier, function or variable refers to.
func (b *rawBTF) ref(id btf.TypeID) btf.TypeID { return btf.TypeID(b.field(id, 8)) }

// name returns the name of a type, or "".
func (b *rawBTF) name(id btf.TypeID) string { return b.str(b.field(id, 0)) }

func (b *rawBTF) str(off uint32) string {
	s, _ := stringAt(b.strs, uint64(off))
	return s
}

// The linkage of a function is in the bits that hold the length of other types. A variable has a
// separate word for it.
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

// add appends a type with an optional tail of whole words, and returns its ID.
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

// record returns the bytes of a type.
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

// eachName calls f with the string offset of each name in a type's record.
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

// checkNames returns an error unless every name exists and fits on one line, and all together are
// of bounded size. Names appear in errors, including those of package btf, and in generated code.
// The kernel is stricter (btf_name_valid_identifier in kernel/bpf/btf.c), except for tags, which
// are free text.
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

// eachRef calls f with each type that a type's record refers to, in the order in which package btf
// visits them.
func (b *rawBTF) eachRef(id btf.TypeID, f func(btf.TypeID)) {
	word := func(off int) { f(btf.TypeID(b.field(id, off))) }
	switch b.kind(id) {
	case kindPtr, kindTypedef, kindVolatile, kindConst, kindRestrict, kindFunc, kindVar, kindDeclTag, kindTypeTag:
		word(8)
	case kindArray:
		word(btfTypeSize + 4) // type of the index
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

// checkDepth bounds the depth of a decoder's recursion, which starts at each type in turn and
// visits none twice. It also returns an error for references to missing types.
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
				return fmt.Errorf("type %d: nested too deeply", id)
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
				return fmt.Errorf("type %d: refers to a missing type", top.id)
			}
			// The first reference is visited first.
			for i, j := mark, len(stack)-1; i < j; i, j = i+1, j-1 {
				stack[i], stack[j] = stack[j], stack[i]
			}
		}
	}
	return nil
}

// eachPart calls f with each type that a type contains, as opposed to points to.
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

// checkNesting bounds the depth of types that contain each other, and returns an error if one
// contains itself, as the kernel does (btf_resolve). After it, a walk over the parts of a type
// terminates.
func (b *rawBTF) checkNesting() error {
	const open = -1 // height of a type whose parts are being visited
	heights := make([]int, len(b.offs))
	var stack []btf.TypeID
	for id := btf.TypeID(1); b.has(id); id++ {
		stack = append(stack[:0], id)
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			if heights[top] != 0 {
				// This is the second visit: its parts, which were above it, are done.
				stack = stack[:len(stack)-1]
				height := 1
				b.eachPart(top, func(part btf.TypeID) { height = max(height, 1+heights[part]) })
				if height > maxNesting {
					return fmt.Errorf("type %d: nested too deeply", top)
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
				return fmt.Errorf("type %d: contains itself", top)
			}
		}
	}
	return nil
}
