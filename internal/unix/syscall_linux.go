//go:build !bpf2lskel_standin

package unix

import (
	"unsafe"

	linux "golang.org/x/sys/unix"
)

// What golang.org/x/sys/unix has no function for is here, with pointers as pointers. A call of
// linux.Syscall keeps what is converted among its own arguments alive and where it is; one of a Go
// function around it does not.

// Supported returns ErrUnsupported where there is no BPF.
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

// MremapFixed moves pages, or with a size of 0 shows shared ones once more, at newAddr.
func MremapFixed(oldAddr unsafe.Pointer, oldSize, newSize uintptr, newAddr unsafe.Pointer) Errno {
	_, _, errno := linux.Syscall6(linux.SYS_MREMAP, uintptr(oldAddr), oldSize, newSize, linux.MREMAP_MAYMOVE|linux.MREMAP_FIXED, uintptr(newAddr), 0)
	return errno
}

// Personality sets the execution domain of the calling thread, unless persona is 0xffffffff, and
// returns the one before.
func Personality(persona uint32) (uint32, error) {
	r, _, errno := linux.Syscall(linux.SYS_PERSONALITY, uintptr(persona), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return uint32(r), nil
}
