package features

import (
	"encoding/binary"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// MapType reports whether the kernel supports a type of map, a value of enum bpf_map_type such as
// unix.BPF_MAP_TYPE_RINGBUF: it returns nil if it does. See the package documentation for errors.
func MapType(typ uint32) error {
	return answer(question{mapType, typ, 0}, func() error { return probeMap(typ) })
}

// probeMap creates the smallest map of the given type.
func probeMap(typ uint32) error {
	what := sys.MapTypeSymbol(typ)
	attr := sys.MapCreateAttr{MapType: typ, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	other := -1 // another file that the map needs
	var errno unix.Errno
	switch typ {
	case sys.MapTypeStackTrace:
		attr.ValueSize = 8
	case sys.MapTypeLPMTrie:
		attr.KeySize, attr.MapFlags = 8, sys.FlagNoPrealloc
	case sys.MapTypeArrayOfMaps, sys.MapTypeHashOfMaps:
		other, errno = create(&sys.MapCreateAttr{MapType: sys.MapTypeArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		attr.InnerMapFd = uint32(other)
	case sys.MapTypeCgroupStorage, sys.MapTypePerCPUCgroupStorage:
		attr.KeySize, attr.ValueSize, attr.MaxEntries = 8, 8, 0
	case sys.MapTypeQueue, sys.MapTypeStack, sys.MapTypeBloomFilter:
		attr.KeySize = 0
	case sys.MapTypeSKStorage, sys.MapTypeInodeStorage, sys.MapTypeTaskStorage, sys.MapTypeCgrpStorage:
		other, errno = loadInt()
		attr.MaxEntries, attr.MapFlags = 0, sys.FlagNoPrealloc
		attr.BtfFd, attr.BtfKeyTypeId, attr.BtfValueTypeId = uint32(other), 1, 1
	case sys.MapTypeStructOps:
		attr.BtfVmlinuxValueTypeId = 1 // not a struct_ops type: ENOTSUPP
	case sys.MapTypeRingBuf, sys.MapTypeUserRingBuf:
		attr.KeySize, attr.ValueSize, attr.MaxEntries = 0, 0, uint32(unix.Getpagesize())
	case sys.MapTypeArena:
		attr.KeySize, attr.ValueSize, attr.MapFlags = 0, 0, sys.FlagMmapable
	case sys.MapTypeInsnArray:
		attr.ValueSize = 16
	case sys.MapTypeRHash:
		attr.MapFlags = sys.FlagNoPrealloc
	}
	if errno != 0 {
		return &cannotTell{what, errno}
	}
	if other >= 0 {
		defer unix.Close(other)
	}
	num, errno := create(&attr)
	switch {
	case errno == 0:
		unix.Close(num)
		return nil
	case errno == unix.ENOMEM: // it got as far as allocating the map
		return nil
	case errno == sys.ENOTSUPP && typ == sys.MapTypeStructOps:
		return nil
	case errno == unix.EINVAL, errno == unix.EOPNOTSUPP, errno == unix.E2BIG:
		return no(what, explain.MapTypeTooNew(typ))
	}
	return &cannotTell{what, errno}
}

// create creates a map, with the length of attr that all kernels since 5.14 accept.
func create(attr *sys.MapCreateAttr) (int, unix.Errno) {
	size := unsafe.Offsetof(attr.MapExtra)
	return sys.BPF(sys.CmdMapCreate, unsafe.Pointer(attr), size)
}

// loadInt loads BTF with a single type, an int.
func loadInt() (int, unix.Errno) {
	order := binary.NativeEndian
	var raw []byte
	raw = order.AppendUint16(raw, 0xeb9f)
	raw = append(raw, 1, 0)                         // version, flags
	for _, word := range []uint32{24, 0, 16, 16, 5, // hdr_len, type_off and _len, str_off and _len
		1, 1 << 24, 4, 1<<24 | 32} { // name_off, BTF_KIND_INT, size, a signed 32-bit number
		raw = order.AppendUint32(raw, word)
	}
	raw = append(raw, "\x00int\x00"...)
	attr := sys.BtfLoadAttr{Btf: sys.Addr(unsafe.Pointer(&raw[0])), BtfSize: uint32(len(raw))}
	num, errno := sys.BPF(sys.CmdBtfLoad, unsafe.Pointer(&attr), unsafe.Offsetof(attr.BtfLogTrueSize))
	runtime.KeepAlive(raw)
	return num, errno
}
