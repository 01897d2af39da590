// Package kernelbtf finds functions in the BTF of the kernel, or of a BPF program, for programs
// that attach to them by BTF ID.
package kernelbtf

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Functions holds the functions in the kernel's BTF.
type Functions struct {
	ids map[string]uint32 // 0 if there are several functions with the name
	table
}

// table is a section of types.
type table struct {
	raw []byte
	at  []int // where each type is in raw
}

// file is the BTF of vmlinux; modules have their own.
const file = "/sys/kernel/btf/vmlinux"

const (
	headerSize = 24 // struct btf_header, up to the fields of 7.x
	commonSize = 12 // struct btf_type
)

var errBTF = errors.New("the kernel's BTF is invalid")

// Read reads the functions of the running kernel from its BTF, some megabytes. If the kernel has no
// BTF, the error is an fs.PathError.
func Read() (*Functions, error) {
	raw, err := sys.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(raw)
}

// Parse reads BTF (include/uapi/linux/btf.h), of the kernel or of a program.
func Parse(raw []byte) (*Functions, error) {
	types, names, err := sections(raw)
	if err != nil {
		return nil, err
	}
	f := &Functions{ids: map[string]uint32{}, table: table{raw: types, at: []int{-1}}}
	for at := 0; at+commonSize <= len(f.raw); {
		id := uint32(len(f.at))
		size := f.size(at)
		if size < 0 || at+size > len(f.raw) {
			return nil, errBTF
		}
		f.at = append(f.at, at)
		if f.kindAt(at) == sys.BtfKindFunc {
			off := uint64(f.word(at))
			if off >= uint64(len(names)) {
				return nil, errBTF
			}
			name := unix.ByteSliceToString(names[off:])
			if _, again := f.ids[name]; again {
				id = 0
			}
			f.ids[name] = id
		}
		at += size
	}
	return f, nil
}

func (t *table) word(at int) uint32  { return binary.NativeEndian.Uint32(t.raw[at:]) }
func (t *table) kindAt(at int) uint8 { return uint8(t.word(at+4) >> 24 & 0x1f) }

// size returns the size of the type at an offset in bytes, or -1 for an unknown kind.
func (t *table) size(at int) int {
	vlen := int(t.word(at+4) & 0xffff)
	switch t.kindAt(at) {
	case sys.BtfKindPtr, sys.BtfKindFwd, sys.BtfKindTypedef, sys.BtfKindVolatile, sys.BtfKindConst, sys.BtfKindRestrict, sys.BtfKindFunc, sys.BtfKindFloat, sys.BtfKindTypeTag:
		return commonSize
	case sys.BtfKindInt, sys.BtfKindVar, sys.BtfKindDeclTag:
		return commonSize + 4
	case sys.BtfKindArray:
		return commonSize + 12
	case sys.BtfKindStruct, sys.BtfKindUnion, sys.BtfKindDatasec, sys.BtfKindEnum64:
		return commonSize + 12*vlen
	case sys.BtfKindEnum, sys.BtfKindFuncProto:
		return commonSize + 8*vlen
	}
	return -1
}

// strip returns the offset of a type without its qualifiers and typedefs, or -1 for void.
func (f *Functions) strip(id uint32) int {
	for range 32 {
		if id == 0 || uint64(id) >= uint64(len(f.at)) {
			return -1
		}
		at := f.at[id]
		switch f.kindAt(at) {
		case sys.BtfKindTypedef, sys.BtfKindVolatile, sys.BtfKindConst, sys.BtfKindRestrict, sys.BtfKindTypeTag:
			id = f.word(at + 8)
		default:
			return at
		}
	}
	return -1
}

// Traceable reports whether a program can attach to a function, however the program uses the
// arguments. The kernel requires at most 12 arguments (MAX_BPF_FUNC_ARGS), no variable arguments,
// and each passed in at most two registers (btf_distill_func_proto).
func (f *Functions) Traceable(id uint32) bool {
	if id == 0 || uint64(id) >= uint64(len(f.at)) || f.kindAt(f.at[id]) != sys.BtfKindFunc {
		return false
	}
	proto := f.word(f.at[id] + 8)
	if proto == 0 || uint64(proto) >= uint64(len(f.at)) || f.kindAt(f.at[proto]) != sys.BtfKindFuncProto {
		return false
	}
	at := f.at[proto]
	args := int(f.word(at+4) & 0xffff)
	if ret := f.word(at + 8); args > 12 || ret != 0 && !f.passed(ret, 8, false) {
		return false
	}
	for i := range args {
		if typ := f.word(at + commonSize + 8*i + 4); typ == 0 || !f.passed(typ, 16, true) {
			return false
		}
	}
	return true
}

// passed reports whether a value of a type is passed in registers.
func (f *Functions) passed(id, most uint32, structs bool) bool {
	at := f.strip(id)
	if at < 0 {
		return false
	}
	switch f.kindAt(at) {
	case sys.BtfKindPtr:
		return true
	case sys.BtfKindInt, sys.BtfKindEnum, sys.BtfKindEnum64:
		return f.word(at+8) <= 8
	case sys.BtfKindStruct:
		return structs && f.word(at+8) <= most
	}
	return false
}

// ID returns the BTF ID of a function, or 0 if there is none or more than one.
func (f *Functions) ID(name string) uint32 { return f.ids[name] }

// Lookup returns the BTF ID of a function. The error wraps unix.ENOENT if there is none, and
// unix.EINVAL if there is more than one.
func (f *Functions) Lookup(name string) (uint32, error) {
	id, ok := f.ids[name]
	switch {
	case !ok:
		return 0, fmt.Errorf("this kernel's BTF has no function %s: %w", name, unix.ENOENT)
	case id == 0:
		return 0, fmt.Errorf("this kernel has several functions named %s: %w", name, unix.EINVAL)
	}
	return id, nil
}
