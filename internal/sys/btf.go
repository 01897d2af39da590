package sys

import "unsafe"

// Kinds of types, include/uapi/linux/btf.h.
const (
	BtfKindInt = iota + 1
	BtfKindPtr
	BtfKindArray
	BtfKindStruct
	BtfKindUnion
	BtfKindEnum
	BtfKindFwd
	BtfKindTypedef
	BtfKindVolatile
	BtfKindConst
	BtfKindRestrict
	BtfKindFunc
	BtfKindFuncProto
	BtfKindVar
	BtfKindDatasec
	BtfKindFloat
	BtfKindDeclTag // 5.16
	BtfKindTypeTag // 5.17
	BtfKindEnum64  // 6.0
)

// Linkage of functions and variables, enum btf_func_linkage.
const (
	BtfFuncStatic = iota
	BtfFuncGlobal
	BtfFuncExtern
)

// EssentialName returns a name without its flavor: bpf_foo for bpf_foo___v2. CO-RE and libbpf
// ignore flavors (bpf_core_essential_name_len, in the kernel and in libbpf).
func EssentialName(name string) string {
	for i := len(name) - 5; i >= 0; i-- {
		if name[i] != '_' && name[i+1:i+4] == "___" && name[i+4] != '_' {
			return name[:i+1]
		}
	}
	return name
}

// BtfMagic is the first field of BTF in the machine's byte order.
const BtfMagic = 0xeb9f

// BtfHeader is struct btf_header as it was before 7.2; HdrLen is the actual length of the header.
type BtfHeader struct {
	Magic   uint16
	Version uint8
	Flags   uint8
	HdrLen  uint32
	TypeOff uint32 // from the header's end, like StrOff
	TypeLen uint32
	StrOff  uint32
	StrLen  uint32
}

// BtfType is struct btf_type, which begins each type.
type BtfType struct {
	NameOff uint32
	Info    uint32 // see BtfInfoKind and BtfInfoVlen
	Size    uint32 // union with type
}

// BtfArray is struct btf_array, after the BtfType of an array.
type BtfArray struct {
	Type      uint32
	IndexType uint32
	Nelems    uint32
}

// BtfMember is struct btf_member: a member of a struct or union.
type BtfMember struct {
	NameOff uint32
	Type    uint32
	Offset  uint32
}

// BtfEnum is struct btf_enum: a value of an enum.
type BtfEnum struct {
	NameOff uint32
	Val     int32
}

// BtfEnum64 is struct btf_enum64: a value of an enum of 64 bits.
type BtfEnum64 struct {
	NameOff uint32
	ValLo32 uint32
	ValHi32 uint32
}

// BtfParam is struct btf_param: a parameter of a function prototype.
type BtfParam struct {
	NameOff uint32
	Type    uint32
}

// BtfVar is struct btf_var, after the BtfType of a variable.
type BtfVar struct {
	Linkage uint32
}

// BtfVarSecinfo is struct btf_var_secinfo: a variable of a data section.
type BtfVarSecinfo struct {
	Type   uint32
	Offset uint32
	Size   uint32
}

// BtfDeclTag is struct btf_decl_tag, after the BtfType of a declaration tag.
type BtfDeclTag struct {
	ComponentIdx int32
}

// Sizes of these structs, in bytes.
const (
	BtfHeaderSize     = int(unsafe.Sizeof(BtfHeader{}))
	BtfTypeSize       = int(unsafe.Sizeof(BtfType{}))
	BtfIntSize        = 4 // the word after the BtfType of an int
	BtfArraySize      = int(unsafe.Sizeof(BtfArray{}))
	BtfMemberSize     = int(unsafe.Sizeof(BtfMember{}))
	BtfEnumSize       = int(unsafe.Sizeof(BtfEnum{}))
	BtfEnum64Size     = int(unsafe.Sizeof(BtfEnum64{}))
	BtfParamSize      = int(unsafe.Sizeof(BtfParam{}))
	BtfVarSize        = int(unsafe.Sizeof(BtfVar{}))
	BtfVarSecinfoSize = int(unsafe.Sizeof(BtfVarSecinfo{}))
	BtfDeclTagSize    = int(unsafe.Sizeof(BtfDeclTag{}))
)

// BtfInfoKind is BTF_INFO_KIND: the kind in the info of a struct btf_type.
func BtfInfoKind(info uint32) uint32 { return info >> 24 & 0x1f }

// BtfInfoVlen is BTF_INFO_VLEN: the number of members, values or parameters that follow a struct
// btf_type.
func BtfInfoVlen(info uint32) int { return int(info & 0xffff) }
