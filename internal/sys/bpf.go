package sys

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// BPF makes a bpf system call. The attr itself may be on the caller's stack;
// what its fields hold the addresses of may not: see [Addr].
// The result is a file descriptor, or what cmd says.
func BPF(cmd int, attr unsafe.Pointer, size uintptr) (int, unix.Errno) {
	r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
	runtime.KeepAlive(attr)
	return int(r), errno
}

// Addr returns p for a field of an attr. It makes what p points to escape to
// the heap, because goroutine stacks move and numbers that were addresses do
// not move with them. The caller keeps it alive until the system call is done.
func Addr(p unsafe.Pointer) uint64 {
	if escaped.always {
		escaped.p = p
	}
	return uint64(uintptr(p))
}

// escaped is where the compiler has to assume that Addr puts its argument.
var escaped struct {
	always bool
	p      unsafe.Pointer
}

// CString returns the address of s with a zero byte behind it for a field of
// an attr, and the bytes to keep alive.
func CString(s string) (uint64, []byte) {
	b := append([]byte(s), 0)
	return Addr(unsafe.Pointer(&b[0])), b
}
