package load

import (
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// growFiles makes room for n more files, and returns what waits until that is over. The kernel
// doubles the table of files when it is full, and in a process of several threads waits for a grace
// period of RCU each time, several ms (expand_fdtable in fs/file.c). So it is done once, and while
// the load has begun.
func growFiles(n int) (wait func()) {
	const small = 64 // there is room for these, or for the little that is missing
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
