package runtime

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A crew is some threads that do the parts of a phase, each taking one after another.
type crew struct {
	prog         int
	first, parts int32
	taken, done  atomic.Int32
	errno        atomic.Uintptr // of a run that failed, 0 if none did
	finished     chan struct{}  // closed by a helper that does the last part
}

// run does all parts, together with helpers. Helpers that come too late find nothing to do, and nobody waits for them.
func (c *crew) run(helpers int32) unix.Errno {
	if helpers > 0 {
		c.finished = make(chan struct{})
	}
	for range helpers {
		go c.help()
	}
	if last := c.work(); !last && helpers > 0 {
		<-c.finished
	}
	return unix.Errno(c.errno.Load())
}

func (c *crew) help() {
	if c.work() {
		close(c.finished)
	}
}

// work does parts until none is left, and tells whether the last to be finished was among them.
func (c *crew) work() (last bool) {
	part := new(int32) // the loader's context
	run := sys.ProgRunAttr{ProgFd: uint32(c.prog), CtxIn: sys.Addr(unsafe.Pointer(part)), CtxSizeIn: uint32(unsafe.Sizeof(*part))}
	for {
		i := c.taken.Add(1) - 1
		if i >= c.parts {
			return last
		}
		*part = c.first + i
		_, errno := sys.BPF(unix.BPF_PROG_TEST_RUN, unsafe.Pointer(&run), unsafe.Offsetof(run.BatchSize))
		runtime.KeepAlive(part)
		if errno != 0 {
			c.errno.CompareAndSwap(0, uintptr(errno))
		}
		last = c.done.Add(1) == c.parts
	}
}
