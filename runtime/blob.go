package runtime

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// loaderMap is the loader's one map, mapped: an array of one element, whose value is the blob.
type loaderMap struct {
	fd  int32  // also the fd_array of the loader program
	mem []byte // the mapping; its first len(Spec.Blob) bytes are the blob
}

// newLoaderMap creates the map and fills it with the blob. After a failure it says what it was doing.
func newLoaderMap(blob string) (m *loaderMap, op string, err error) {
	attr := loaderMapAttr(blob)
	fd, err := bpf(unix.BPF_MAP_CREATE, unsafe.Pointer(&attr), unsafe.Offsetof(attr.MapIfindex))
	if err != nil {
		return nil, opCreateBlob, err
	}
	p, err := unix.MmapPtr(fd, 0, nil, uintptr(len(blob)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		unix.Close(fd)
		return nil, opMapBlob, err
	}
	m = &loaderMap{fd: int32(fd), mem: unsafe.Slice((*byte)(p), len(blob))}
	copy(m.mem, blob)
	return m, "", nil
}

func loaderMapAttr(blob string) sys.MapCreateAttr {
	attr := sys.MapCreateAttr{
		MapType:    unix.BPF_MAP_TYPE_ARRAY,
		KeySize:    4,
		ValueSize:  uint32(len(blob)),
		MaxEntries: 1,
		MapFlags:   unix.BPF_F_MMAPABLE,
	}
	copy(attr.MapName[:], "__loader.map")
	return attr
}

func (m *loaderMap) close() {
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(m.mem)), uintptr(len(m.mem)))
	unix.Close(int(m.fd))
}

// at gives the place of an attr, or of a part of one, in the blob.
func (m *loaderMap) at(off BlobOff) unsafe.Pointer { return unsafe.Pointer(&m.mem[off]) }

// slot is the word of a slot.
func (m *loaderMap) slot(s Slot) *int32 { return (*int32)(m.at(BlobOff(4 * s))) }

// found is the 64 bits of what a step has found.
func (m *loaderMap) found(s Slot) found { return found(*(*int64)(m.at(BlobOff(4 * s)))) }

// found is the result of bpf_btf_find_by_name_kind: a negative errno, or a
// BTF ID in the low half and the fd of a module's BTF, 0 for vmlinux, in the high half.
type found int64

func (f found) errno() unix.Errno {
	if f < 0 {
		return unix.Errno(-f)
	}
	return 0
}
func (f found) btfID() uint32 { return uint32(f) }
func (f found) btfFD() int    { return int(int32(f >> 32)) }
