package runtime

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// pinFD gives a map, program or link a name in a BPF file system.
func pinFD(num int, path string) unix.Errno {
	addr, keep := sys.CString(path)
	attr := sys.ObjAttr{Pathname: addr, BpfFd: uint32(num)}
	_, errno := sys.BPF(unix.BPF_OBJ_PIN, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(keep)
	return errno
}

// openPin opens what is pinned at path.
func openPin(path string) (int, unix.Errno) {
	addr, keep := sys.CString(path)
	attr := sys.ObjAttr{Pathname: addr}
	num, errno := sys.BPF(unix.BPF_OBJ_GET, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(keep)
	return num, errno
}
