package runtime

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// bpf makes a bpf system call. The attr may hold pointers as integers: who
// calls keeps what they point to alive and in place.
func bpf(cmd uintptr, attr unsafe.Pointer, size uintptr) (int, error) {
	r, _, errno := unix.Syscall(unix.SYS_BPF, cmd, uintptr(attr), size)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

// bufAddr gives the address of a buffer for an attr. The buffer has to be on the heap.
func bufAddr(buf []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(buf)))) }
