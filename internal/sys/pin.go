package sys

import (
	"runtime"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// ObjAttr is the part of union bpf_attr for BPF_OBJ_PIN and BPF_OBJ_GET.
type ObjAttr struct {
	Pathname  uint64
	BpfFd     uint32
	FileFlags uint32
}

// ObjPin pins a map, program or link at path in a BPF file system.
func ObjPin(fd int, path string) unix.Errno {
	if strings.IndexByte(path, 0) >= 0 {
		return unix.EINVAL // path contains a zero byte, where the kernel would cut it off
	}
	addr, keep := CString(path)
	attr := ObjAttr{Pathname: addr, BpfFd: uint32(fd)}
	_, errno := BPF(CmdObjPin, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(keep)
	return errno
}

// ObjGet opens the object that is pinned at path. The caller owns the file descriptor.
func ObjGet(path string) (int, unix.Errno) {
	if strings.IndexByte(path, 0) >= 0 {
		return -1, unix.EINVAL
	}
	addr, keep := CString(path)
	attr := ObjAttr{Pathname: addr}
	fd, errno := BPF(CmdObjGet, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(keep)
	return fd, errno
}

// IsMap reports whether a file descriptor refers to a map. Its system call reads no elements: the
// kernel checks the file descriptor first (bpf_map_do_batch).
func IsMap(fd int) bool {
	attr := MapBatchAttr{MapFd: uint32(fd)}
	_, errno := BPF(CmdMapLookupBatch, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return errno != unix.EINVAL
}

// IsProgram reports whether a file descriptor refers to a program. Its system call binds no map:
// the kernel checks the program first (bpf_prog_bind_map).
func IsProgram(fd int) bool {
	attr := ProgBindMapAttr{ProgFd: uint32(fd), MapFd: 1<<32 - 1}
	_, errno := BPF(CmdProgBindMap, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return errno == unix.EBADF
}

// ProgBindMapAttr is the part for BPF_PROG_BIND_MAP.
type ProgBindMapAttr struct {
	ProgFd uint32
	MapFd  uint32
	Flags  uint32
}

// EnableStatsAttr is the part for BPF_ENABLE_STATS.
type EnableStatsAttr struct {
	Type uint32
}
