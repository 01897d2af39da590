package runtime

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// objInfo reads what the kernel says of a BPF object into info.
func objInfo(fd int, info unsafe.Pointer, size uintptr) error {
	attr := sys.ObjInfoAttr{BpfFd: uint32(fd), InfoLen: uint32(size), Info: uint64(uintptr(info))}
	_, err := bpf(unix.BPF_OBJ_GET_INFO_BY_FD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return err
}

// btfName returns the name of a BTF object, that of its module, "" if it cannot be had.
func btfName(fd int) string {
	name := new([64]byte)
	info := &sys.BtfInfo{Name: uint64(uintptr(unsafe.Pointer(name))), NameLen: uint32(len(name))}
	err := objInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info))
	runtime.KeepAlive(name)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(name[:])
}
