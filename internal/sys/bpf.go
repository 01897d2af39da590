package sys

import (
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// BPF makes a bpf system call. The attr itself may be on the caller's stack; what its fields hold
// the addresses of may not: see [Addr]. It returns a file descriptor or what else cmd gives, -1 and
// the errno if the kernel refuses.
func BPF(cmd Cmd, attr unsafe.Pointer, size uintptr) (int, unix.Errno) {
	r, errno := unix.BPF(uintptr(cmd), attr, size)
	runtime.KeepAlive(attr)
	return int(r), errno
}

// Addr returns p for a field of an attr. It makes what p points to escape to the heap, because
// goroutine stacks move and numbers that were addresses do not move with them. The caller keeps it
// alive until the system call is done.
//
//go:noinline
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

// BytesAddr is [Addr] of the first byte of b, 0 if b is nil.
func BytesAddr(b []byte) uint64 { return Addr(unsafe.Pointer(unsafe.SliceData(b))) }

// StringAddr is [Addr] of the first byte of s, which the kernel must only read.
func StringAddr(s string) uint64 { return Addr(unsafe.Pointer(unsafe.StringData(s))) }

// CString returns the address of s with a zero byte after it for a field of an attr, and the bytes
// to keep alive.
func CString(s string) (uint64, []byte) {
	b := append([]byte(s), 0)
	return Addr(unsafe.Pointer(&b[0])), b
}
