package sys

import (
	"github.com/bpf2lskel/bpf2lskel/internal/errtype"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// ENOTSUPP is a kernel-internal errno (linux/errno.h) that should not reach user space. The kernel
// returns it for operations that a map or program type does not support. Neither Go nor libc has a
// text for it.
const ENOTSUPP = unix.Errno(524)

// ErrnoOf returns the kernel's errno that err wraps, 0 if it wraps none.
func ErrnoOf(err error) unix.Errno {
	errno, _ := errtype.Of[unix.Errno](err)
	return errno
}
