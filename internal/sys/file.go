package sys

import (
	"io"
	"io/fs"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Exists reports whether a file exists at path and is visible to the process.
//
// It does not use os.Stat: os.FileInfo has a time.Time, whose text methods would add 50 KB to each
// binary.
func Exists(path string) bool { return unix.Stat(path, new(unix.Stat_t)) == nil }

// ReadFile reads a whole file of /proc, /sys or tracefs. Errors are an [fs.PathError] that unwraps
// to the kernel's errno.
//
// It does not use os.ReadFile: the first file that package os opens starts Go's poller, which needs
// two file descriptors and terminates the process if there are none ("netpollinit failed").
func ReadFile(path string) ([]byte, error) {
	fd, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	text := make([]byte, 0, 4096)
	for {
		n, err := unix.Read(fd, text[len(text):cap(text)])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			return text, nil
		}
		text = text[:len(text)+max(n, 0)]
		if len(text) == cap(text) {
			text = append(text, make([]byte, cap(text))...)[:len(text)]
		}
	}
}

// Open opens a file or directory for reading, without Go's poller as [ReadFile] does. The caller
// owns the file descriptor, which is closed on exec. Errors are an [fs.PathError].
func Open(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
			return fd, nil
		case unix.EINTR: // a signal interrupted a slow file system
		default:
			return -1, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// Dup duplicates a file descriptor. The new one is above 2 and closed on exec. The caller owns it.
func Dup(fd int) (int, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err == unix.EINVAL {
		err = unix.EMFILE // the kernel returns EINVAL if RLIMIT_NOFILE is 3 or less (f_dupfd)
	}
	return dup, err
}

// Gunzip decompresses a file such as /proc/config.gz. It is nil unless package internal/sys/gunzip
// sets it, which only binaries that need it import.
var Gunzip func(io.Reader) (io.Reader, error)
