package sys

import (
	"github.com/bpf2lskel/bpf2lskel/internal/errtype"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// ENOTSUPP is an errno of the kernel's own (linux/errno.h) that should not reach user space. It
// does for operations that a type of map or program lacks. Neither Go nor libc has a text for it.
const ENOTSUPP = unix.Errno(524)

// ErrnoOf returns the kernel's errno that err wraps, 0 if it wraps none.
func ErrnoOf(err error) unix.Errno {
	errno, _ := errtype.Of[unix.Errno](err)
	return errno
}
