//go:build !bpf2lskel_standin

package unix

import (
	"unsafe"

	linux "golang.org/x/sys/unix"
)

// This file has the system calls that golang.org/x/sys/unix lacks, with pointers as pointers. A
// call of linux.Syscall keeps alive, and in place, the memory of pointers that are converted in its
// argument list. A call of a Go wrapper around it does not.

// Supported returns ErrUnsupported on systems without BPF.
func Supported() error { return nil }

// BPF is the bpf system call. Its attr may be on the caller's stack.
func BPF(cmd uintptr, attr unsafe.Pointer, size uintptr) (uintptr, Errno) {
	r, _, errno := linux.Syscall(linux.SYS_BPF, cmd, uintptr(attr), size)
	return r, errno
}

// MadvisePtr is Madvise for memory that is not a slice, like MmapPtr.
func MadvisePtr(addr unsafe.Pointer, length uintptr, advice int) error {
	if _, _, errno := linux.Syscall(linux.SYS_MADVISE, uintptr(addr), length, uintptr(advice)); errno != 0 {
		return errno
	}
	return nil
}

// MremapFixed moves pages to newAddr, or, with an oldSize of 0, maps shared pages there once more.
func MremapFixed(oldAddr unsafe.Pointer, oldSize, newSize uintptr, newAddr unsafe.Pointer) Errno {
	_, _, errno := linux.Syscall6(linux.SYS_MREMAP, uintptr(oldAddr), oldSize, newSize, linux.MREMAP_MAYMOVE|linux.MREMAP_FIXED, uintptr(newAddr), 0)
	return errno
}

// Personality sets the execution domain of the calling thread, unless persona is 0xffffffff, and
// returns the previous one.
func Personality(persona uint32) (uint32, error) {
	r, _, errno := linux.Syscall(linux.SYS_PERSONALITY, uintptr(persona), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return uint32(r), nil
}
