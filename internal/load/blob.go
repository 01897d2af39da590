package load

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// blobMap is the loader's only map, mapped into memory: an array with one element, the blob.
type blobMap struct {
	fd  int32  // also the fd_array of the loader program
	mem []byte // the mapping; its first len(Spec.Blob) bytes are the blob
}

// newBlobMap creates the map, with room for extra bytes after the blob, and fills it. After a
// failure, op is the operation that failed.
func newBlobMap(blob string, extra uint32, token int32) (m *blobMap, op spec.Op, errno unix.Errno) {
	attr := blobMapAttr(blob)
	attr.ValueSize += extra
	size := unsafe.Offsetof(attr.MapIfindex)
	if token != 0 {
		attr.MapFlags |= sys.FlagTokenFd
		attr.MapTokenFd = token
		size = unsafe.Offsetof(attr.ExclProgHash)
	}
	fd, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(&attr), size)
	if errno != 0 {
		return nil, spec.OpCreateBlob, errno
	}
	p, err := unix.MmapPtr(fd, 0, nil, uintptr(attr.ValueSize), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		unix.Close(fd)
		return nil, spec.OpMapBlob, sys.ErrnoOf(err)
	}
	m = &blobMap{fd: int32(fd), mem: unsafe.Slice((*byte)(p), attr.ValueSize)}
	copy(m.mem, blob)
	return m, 0, 0
}

func blobMapAttr(blob string) sys.MapCreateAttr {
	attr := sys.MapCreateAttr{
		MapType:    sys.MapTypeArray,
		KeySize:    4,
		ValueSize:  uint32(len(blob)),
		MaxEntries: 1,
		MapFlags:   sys.FlagMmapable,
	}
	copy(attr.MapName[:], "__loader.map")
	return attr
}

func (m *blobMap) close() {
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(m.mem)), uintptr(len(m.mem)))
	unix.Close(int(m.fd))
}

// at returns a pointer to an offset in the blob, such as an attr or a part of one.
func (m *blobMap) at(off spec.BlobOff) unsafe.Pointer { return unsafe.Pointer(&m.mem[off]) }

// slot returns a pointer to a slot.
func (m *blobMap) slot(s spec.Slot) *int32 { return (*int32)(m.at(spec.BlobOff(4 * s))) }

// found returns the 64-bit result of a lookup.
func (m *blobMap) found(s spec.Slot) found { return found(*(*int64)(m.at(spec.BlobOff(4 * s)))) }

// found is the result of bpf_btf_find_by_name_kind: a negative errno, or a BTF ID in the low half
// and the fd of a module's BTF, 0 for vmlinux, in the high half.
type found int64

func (f found) errno() unix.Errno {
	if f < 0 {
		return unix.Errno(-f)
	}
	return 0
}
func (f found) btfID() uint32 { return uint32(f) }
func (f found) btfFD() int    { return int(int32(f >> 32)) }
