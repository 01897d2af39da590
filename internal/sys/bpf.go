package sys

import (
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// BPF makes a bpf system call. The attr itself may be on the caller's stack; memory whose address
// is in its fields may not: see [Addr]. It returns the result of cmd, such as a file descriptor, or
// -1 and the errno if the call fails.
func BPF(cmd Cmd, attr unsafe.Pointer, size uintptr) (int, unix.Errno) {
	r, errno := unix.BPF(uintptr(cmd), attr, size)
	runtime.KeepAlive(attr)
	return int(r), errno
}

// Addr returns p as a number for a field of an attr. It makes p's target escape to the heap,
// because goroutine stacks move and addresses stored as numbers are not updated. The caller must
// keep the target alive until the system call has returned.
//
//go:noinline
func Addr(p unsafe.Pointer) uint64 {
	if escaped.always {
		escaped.p = p
	}
	return uint64(uintptr(p))
}

// escaped is the variable to which, as far as the compiler knows, Addr may assign its argument.
var escaped struct {
	always bool
	p      unsafe.Pointer
}

// BytesAddr is [Addr] of the first byte of b, 0 if b is nil.
func BytesAddr(b []byte) uint64 { return Addr(unsafe.Pointer(unsafe.SliceData(b))) }

// StringAddr is [Addr] of the first byte of s, which the kernel must only read.
func StringAddr(s string) uint64 { return Addr(unsafe.Pointer(unsafe.StringData(s))) }

// CString returns the address of a zero-terminated copy of s for a field of an attr, and the bytes
// to keep alive.
func CString(s string) (uint64, []byte) {
	b := append([]byte(s), 0)
	return Addr(unsafe.Pointer(&b[0])), b
}
