package sys

import (
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// ObjInfoAttr is the part of union bpf_attr for BPF_OBJ_GET_INFO_BY_FD.
type ObjInfoAttr struct {
	BpfFd   uint32
	InfoLen uint32
	Info    uint64
}

// ObjInfo makes the kernel fill info, a struct bpf_map_info, bpf_prog_info, bpf_btf_info or
// bpf_link_info of this size. It makes info escape; the caller must keep alive the memory whose
// addresses are in info's fields.
func ObjInfo(fd int, info unsafe.Pointer, size uintptr) unix.Errno {
	attr := ObjInfoAttr{BpfFd: uint32(fd), InfoLen: uint32(size), Info: Addr(info)}
	_, errno := BPF(CmdObjGetInfoByFd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(info)
	return errno
}

// TokenCreateAttr is the part of union bpf_attr for BPF_TOKEN_CREATE (6.9).
type TokenCreateAttr struct {
	Flags   uint32
	BpffsFd uint32
}

// GetFdByIDAttr is the part of union bpf_attr for BPF_*_GET_FD_BY_ID.
type GetFdByIDAttr struct {
	Id        uint32 // union of prog_id, map_id, btf_id and link_id
	NextId    uint32
	OpenFlags uint32
}

// GetFdByID opens a map, program, BTF or link by its ID; the command determines which. The caller
// owns the file descriptor. It requires CAP_SYS_ADMIN.
func GetFdByID(cmd Cmd, id uint32) (int, unix.Errno) {
	attr := GetFdByIDAttr{Id: id}
	return BPF(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
}

// BtfInfo is struct bpf_btf_info.
type BtfInfo struct {
	Btf       uint64
	BtfSize   uint32
	Id        uint32
	Name      uint64
	NameLen   uint32
	KernelBtf uint32
}

// BtfName returns the name of a BTF object, which is the name of its module, or "" if it is not
// available.
func BtfName(fd int) string {
	name := new([64]byte)
	info := &BtfInfo{Name: Addr(unsafe.Pointer(name)), NameLen: uint32(len(name))}
	errno := ObjInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info))
	runtime.KeepAlive(name)
	if errno != 0 {
		return ""
	}
	return unix.ByteSliceToString(name[:])
}
