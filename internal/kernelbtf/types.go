package kernelbtf

import (
	"encoding/binary"
	"io/fs"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Types holds the types in the BTF of vmlinux, or of a module, whose IDs follow those of vmlinux.
// Lookups search the raw BTF; Types keeps only the offset of each type.
type Types struct {
	base *Types // the types of vmlinux, for a module
	table
	names  []byte
	mapped []byte // unmapped by Close
}

const directory = "/sys/kernel/btf/"

// ReadTypes reads the types of vmlinux. If the kernel has no BTF, the error is an fs.PathError.
func ReadTypes() (*Types, error) { return readTypes(file, nil) }

// ReadModule reads the types of a module. t must hold the types of vmlinux.
func (t *Types) ReadModule(name string) (*Types, error) { return readTypes(directory+name, t) }

func readTypes(path string, base *Types) (*Types, error) {
	raw, mapped, err := readOrMap(path)
	if err != nil {
		return nil, err
	}
	t := &Types{base: base, mapped: mapped}
	if err := t.parse(raw); err != nil {
		t.Close()
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return t, nil
}

// readOrMap maps a file, which Linux 6.16 and later allow for the kernel's BTF, or reads it.
func readOrMap(path string) (raw, mapped []byte, err error) {
	fd, err := sys.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer unix.Close(fd)
	stat := new(unix.Stat_t)
	if unix.Stat(path, stat) == nil && stat.Size > 0 && stat.Size < 1<<30 {
		p, err := unix.MmapPtr(fd, 0, nil, uintptr(stat.Size), unix.PROT_READ, unix.MAP_PRIVATE)
		if err == nil {
			mapped = unsafe.Slice((*byte)(p), int(stat.Size))
			return mapped, mapped, nil
		}
	}
	raw, err = sys.ReadFile(path)
	return raw, nil, err
}

// Close releases the memory. t must not be used afterwards.
func (t *Types) Close() {
	if t.mapped != nil {
		_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(t.mapped)), uintptr(len(t.mapped)))
		t.mapped = nil
	}
}

func (t *Types) parse(raw []byte) error {
	var err error
	if t.raw, t.names, err = sections(raw); err != nil {
		return err
	}
	if t.base == nil {
		t.at = append(t.at, -1) // void
	}
	for at := 0; at+commonSize <= len(t.raw); {
		size := t.size(at)
		if size < 0 || at+size > len(t.raw) {
			return errBTF
		}
		t.at = append(t.at, at)
		at += size
	}
	return nil
}

// first returns the ID of the first type that is not in t.base: void, or the type that follows the
// base.
func (t *Types) first() uint32 {
	if t.base == nil {
		return 0
	}
	return uint32(len(t.base.at))
}

// owner returns the Types that has the type with an ID, and the type's offset there: -1 for void
// and for types that do not exist.
func (t *Types) owner(id uint32) (of *Types, at int) {
	if t.base != nil && id < t.first() {
		return t.base.owner(id)
	}
	if i := id - t.first(); uint64(i) < uint64(len(t.at)) {
		return t, t.at[i]
	}
	return t, -1
}

// name returns the string at an offset. A module's strings follow those of vmlinux.
func (t *Types) name(off uint32) []byte {
	if t.base != nil {
		if n := uint32(len(t.base.names)); off >= n {
			off -= n
		} else {
			return t.base.name(off)
		}
	}
	if uint64(off) >= uint64(len(t.names)) {
		return nil
	}
	return t.names[off:]
}

func isName(raw []byte, name string) bool {
	return len(raw) > len(name) && raw[len(name)] == 0 && string(raw[:len(name)]) == name
}

// Struct returns the ID of the first struct with a name, or 0 if there is none. It searches vmlinux
// before a module, as the kernel does (btf_find_by_name_kind).
func (t *Types) Struct(name string) uint32 {
	if t.base != nil {
		if id := t.base.Struct(name); id != 0 {
			return id
		}
	}
	return t.OwnStruct(name)
}

// OwnStruct is like Struct, but for a module it does not search vmlinux.
func (t *Types) OwnStruct(name string) uint32 {
	for i, at := range t.at {
		if at >= 0 && t.kindAt(at) == sys.BtfKindStruct && isName(t.name(t.word(at)), name) {
			return t.first() + uint32(i)
		}
	}
	return 0
}

// Member is a member of a struct.
type Member struct {
	Index  uint32
	Type   uint32
	Offset uint32 // bytes
	Bits   bool   // the member is a bit-field
}

// Member returns the first member of a struct with a name. ok is false if there is none.
func (t *Types) Member(id uint32, name string) (Member, bool) {
	return t.member(id, func(of *Types, at int) bool { return isName(of.name(of.word(at)), name) })
}

// MemberOfType returns the first member of a struct that has the type typ.
func (t *Types) MemberOfType(id, typ uint32) (Member, bool) {
	return t.member(id, func(of *Types, at int) bool { return of.word(at+4) == typ })
}

func (t *Types) member(id uint32, is func(of *Types, at int) bool) (Member, bool) {
	of, at := t.owner(id)
	if at < 0 || of.kindAt(at) != sys.BtfKindStruct {
		return Member{}, false
	}
	info := of.word(at + 4)
	for i := range int(info & 0xffff) {
		m := at + commonSize + 12*i
		if !is(of, m) {
			continue
		}
		offset, bits := of.word(m+8), uint32(0)
		if info>>31 != 0 { // kind_flag: the size of a bit-field is in the upper byte
			offset, bits = offset&0xffffff, offset>>24
		}
		return Member{Index: uint32(i), Type: of.word(m + 4), Offset: offset / 8, Bits: bits != 0}, true
	}
	return Member{}, false
}

// Kind returns the kind of a type without its qualifiers and typedefs, or 0 for void.
func (t *Types) Kind(id uint32) uint8 {
	if of, at := t.resolve(id); at >= 0 {
		return of.kindAt(at)
	}
	return 0
}

// resolve returns the Types and the offset of a type without its qualifiers and typedefs.
func (t *Types) resolve(id uint32) (of *Types, at int) {
	for range 32 {
		of, at = t.owner(id)
		if at < 0 {
			return of, -1
		}
		switch of.kindAt(at) {
		case sys.BtfKindTypedef, sys.BtfKindVolatile, sys.BtfKindConst, sys.BtfKindRestrict, sys.BtfKindTypeTag:
			id = of.word(at + 8)
		default:
			return of, at
		}
	}
	return t, -1
}

// IsFunctionPointer reports whether a type is a pointer to a function.
func (t *Types) IsFunctionPointer(id uint32) bool {
	of, at := t.resolve(id)
	return at >= 0 && of.kindAt(at) == sys.BtfKindPtr && t.Kind(of.word(at+8)) == sys.BtfKindFuncProto
}

// Size returns the size of a type's values in bytes, or 0 for types without a size.
func (t *Types) Size(id uint32) uint32 {
	count := uint64(1)
	for range 32 {
		of, at := t.resolve(id)
		if at < 0 {
			return 0
		}
		size := uint64(0)
		switch of.kindAt(at) {
		case sys.BtfKindArray:
			count *= uint64(of.word(at + commonSize + 8))
			if id = of.word(at + commonSize); count > 1<<32 {
				return 0
			}
			continue
		case sys.BtfKindPtr:
			size = 8
		case sys.BtfKindInt, sys.BtfKindStruct, sys.BtfKindUnion, sys.BtfKindEnum, sys.BtfKindEnum64, sys.BtfKindFloat:
			size = uint64(of.word(at + 8))
		}
		if size *= count; size < 1<<32 {
			return uint32(size)
		}
		return 0
	}
	return 0
}

// sections returns the types and the strings of BTF (include/uapi/linux/btf.h).
func sections(raw []byte) (types, names []byte, err error) {
	order := binary.NativeEndian
	if len(raw) < headerSize || order.Uint16(raw) != sys.BtfMagic {
		return nil, nil, errBTF
	}
	header := uint64(order.Uint32(raw[4:]))
	part := func(at int) []byte {
		off, size := header+uint64(order.Uint32(raw[at:])), uint64(order.Uint32(raw[at+4:]))
		if off+size > uint64(len(raw)) {
			err = errBTF
			return nil
		}
		return raw[off:][:size]
	}
	types, names = part(8), part(16)
	return types, names, err
}
