package load

import (
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// growFiles starts to make room for n more files, and returns a function that waits until that is
// done. The kernel doubles a full file table, and in a process with several threads it waits for an
// RCU grace period each time, several ms (expand_fdtable in fs/file.c). So growFiles makes all the
// room at once, and in parallel with the load.
func growFiles(n int) (wait func()) {
	const small = 64 // the table has room for these, or lacks only a few
	if n <= small {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		lowest, err := sys.Dup(1)
		if err != nil {
			return
		}
		defer unix.Close(lowest)
		if highest, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, lowest+n); err == nil {
			unix.Close(highest)
		}
	}()
	return func() { <-done }
}
