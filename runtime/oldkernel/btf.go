package oldkernel

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"sync"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// loadBTF loads the object's BTF, unchanged if the kernel accepts it, or with unknown kinds
// replaced. IDs do not change, since programs and maps refer to them.
func (k *kernel) loadBTF(p unsafe.Pointer, size uintptr) (int, unix.Errno) {
	attr, size := attrOf[sys.BtfLoadAttr](p, size)
	if k.btf != nil {
		attr.Btf = sys.BytesAddr(k.btf)
	}
	num, errno := k.call(sys.CmdBtfLoad, unsafe.Pointer(attr), size)
	if errno == unix.EINVAL && k.btf == nil {
		raw := unsafe.Slice((*byte)(pointer(attr.Btf)), attr.BtfSize)
		if fitted := fitBTF(raw, knownKinds()); fitted != nil {
			attr.Btf = sys.BytesAddr(fitted)
			if num, errno = k.call(sys.CmdBtfLoad, unsafe.Pointer(attr), size); errno == 0 {
				k.btf = fitted
			}
			runtime.KeepAlive(fitted)
		}
	}
	runtime.KeepAlive(k.btf)
	return num, errno
}

// kinds are the kinds of BTF that some kernels do not know.
type kinds struct {
	float, declTag, typeTag, enum64 bool
	signedEnum                      bool // kind_flag of an enum (6.0)
	emptySection                    bool // a section without variables
}

// knownKinds probes each kind once, by loading a type of that kind.
var knownKinds = sync.OnceValue(func() kinds {
	integer := typeWords(1, sys.BtfKindInt, 0, 4, 0x20)
	return kinds{
		float:        takes(typeWords(1, sys.BtfKindFloat, 0, 4)),
		declTag:      takes(integer, typeWords(3, sys.BtfKindTypedef, 0, 1), typeWords(1, sys.BtfKindDeclTag, 0, 2, 1<<32-1)),
		typeTag:      takes(integer, typeWords(1, sys.BtfKindTypeTag, 0, 1), typeWords(0, sys.BtfKindPtr, 0, 2)),
		enum64:       takes(typeWords(1, sys.BtfKindEnum64, 1, 8, 3, 0, 0)),
		emptySection: takes(typeWords(1, sys.BtfKindDatasec, 0, 4)),
		signedEnum:   takes(typeWords(1, sys.BtfKindEnum|signedFlag, 1, 4, 3, 0)),
	}
})

// signedFlag is kind_flag, above the kind.
const signedFlag = 1 << 7

// typeWords returns a struct btf_type and what follows it.
func typeWords(name uint32, kind, vlen uint32, rest ...uint32) []uint32 {
	return append([]uint32{name, kind<<24 | vlen}, rest...)
}

// takes reports whether the kernel accepts BTF with these types.
func takes(types ...[]uint32) bool {
	const names = "\x00a\x00b\x00"
	var raw bytes.Buffer
	size := 0
	for _, t := range types {
		size += 4 * len(t)
	}
	header := sys.BtfHeader{
		Magic: sys.BtfMagic, Version: 1, HdrLen: uint32(sys.BtfHeaderSize),
		TypeLen: uint32(size), StrOff: uint32(size), StrLen: uint32(len(names)),
	}
	_ = binary.Write(&raw, binary.NativeEndian, header)
	for _, t := range types {
		_ = binary.Write(&raw, binary.NativeEndian, t)
	}
	raw.WriteString(names)
	attr := &sys.BtfLoadAttr{Btf: sys.BytesAddr(raw.Bytes()), BtfSize: uint32(raw.Len())}
	num, errno := sys.BPF(sys.CmdBtfLoad, unsafe.Pointer(attr), unsafe.Offsetof(attr.BtfLogLevel)+4)
	runtime.KeepAlive(raw.Bytes())
	if errno == 0 {
		unix.Close(num)
	}
	return errno != unix.EINVAL // other errors, such as EMFILE, are not about the types
}

// fitBTF replaces each BTF type of a kind that the kernel does not know with one of another kind
// that takes the same number of bytes. It returns nil if there is nothing to replace. The sizes of
// types do not change, so maps still fit their types.
//
//	FLOAT	 a struct of that size without members: an int would be printed as a number
//	DECL_TAG  an int that nothing refers to
//	TYPE_TAG  const
//	ENUM64	a union of that size with members at offset 0
//	ENUM	  unsigned, instead of signed
//	DATASEC   without variables: a struct of that size without members
func fitBTF(raw []byte, known kinds) []byte {
	order := binary.NativeEndian
	if len(raw) < sys.BtfHeaderSize {
		return nil
	}
	var header sys.BtfHeader
	_, _ = binary.Decode(raw, order, &header)
	begin := uint64(header.HdrLen) + uint64(header.TypeOff)
	end := begin + uint64(header.TypeLen)
	if end > uint64(len(raw)) {
		return nil
	}
	raw = bytes.Clone(raw)
	anInt := uint32(0) // the ID of an int, for members of unions
	changed := false
	walkTypes(raw[begin:end], func(id uint32, t []byte) {
		if kind := sys.BtfInfoKind(order.Uint32(t[4:])); kind == sys.BtfKindInt && anInt == 0 {
			anInt = id
		}
	})
	walkTypes(raw[begin:end], func(_ uint32, t []byte) {
		info := order.Uint32(t[4:])
		become := func(kind uint32, vlen int) {
			order.PutUint32(t[4:], kind<<24|uint32(vlen))
			changed = true
		}
		vlen := sys.BtfInfoVlen(info)
		switch kind := sys.BtfInfoKind(info); {
		case kind == sys.BtfKindFloat && !known.float:
			become(sys.BtfKindStruct, 0)
			order.PutUint32(t, 0)
		case kind == sys.BtfKindDatasec && vlen == 0 && !known.emptySection:
			become(sys.BtfKindStruct, 0)
			order.PutUint32(t, 0)
		case kind == sys.BtfKindDeclTag && !known.declTag:
			become(sys.BtfKindInt, 0)
			order.PutUint32(t[8:], 1)
			order.PutUint32(t[12:], 8) // bits
		case kind == sys.BtfKindTypeTag && !known.typeTag:
			become(sys.BtfKindConst, 0)
			order.PutUint32(t, 0)
		case kind == sys.BtfKindEnum64 && !known.enum64:
			become(sys.BtfKindUnion, vlen)
			for at := sys.BtfTypeSize; at+sys.BtfEnum64Size <= len(t); at += sys.BtfEnum64Size {
				order.PutUint32(t[at+4:], anInt)
				order.PutUint32(t[at+8:], 0)
			}
		case kind == sys.BtfKindEnum && info>>31 != 0 && !known.signedEnum:
			become(sys.BtfKindEnum, vlen)
		}
	})
	if !changed {
		return nil
	}
	return raw
}

// walkTypes calls do for each type, with its ID and all of its bytes. It stops at anything that is
// not a type.
func walkTypes(raw []byte, do func(id uint32, t []byte)) {
	for id := uint32(1); len(raw) >= sys.BtfTypeSize; id++ {
		info := binary.NativeEndian.Uint32(raw[4:])
		size := sizeOf(sys.BtfInfoKind(info), sys.BtfInfoVlen(info))
		if size == 0 || size > len(raw) {
			return
		}
		do(id, raw[:size])
		raw = raw[size:]
	}
}

// sizeOf returns the size of a type in bytes, or 0 for an unknown kind.
func sizeOf(kind uint32, vlen int) int {
	switch kind {
	case sys.BtfKindPtr, sys.BtfKindFwd, sys.BtfKindTypedef, sys.BtfKindVolatile, sys.BtfKindConst, sys.BtfKindRestrict,
		sys.BtfKindFunc, sys.BtfKindFloat, sys.BtfKindTypeTag:
		return sys.BtfTypeSize
	case sys.BtfKindInt, sys.BtfKindVar, sys.BtfKindDeclTag:
		return sys.BtfTypeSize + 4
	case sys.BtfKindArray:
		return sys.BtfTypeSize + sys.BtfArraySize
	case sys.BtfKindStruct, sys.BtfKindUnion, sys.BtfKindDatasec, sys.BtfKindEnum64:
		return sys.BtfTypeSize + 12*vlen
	case sys.BtfKindEnum, sys.BtfKindFuncProto:
		return sys.BtfTypeSize + 8*vlen
	}
	return 0
}
