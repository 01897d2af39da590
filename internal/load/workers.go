package load

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// workers are some threads that do the parts of a phase, each taking one after another.
type workers struct {
	prog         int
	first, parts int32
	taken, done  atomic.Int32
	errno        atomic.Uintptr // of a run that failed, 0 if none did
	finished     chan struct{}  // closed by a helper that does the last part

	// failed is asked after each part whether to stop, nil if nobody asks. It is for one thread.
	failed  func() bool
	stopped bool
}

// run does all parts, together with helpers. Helpers that come too late find nothing to do, and nobody waits for them.
func (w *workers) run(helpers int32) unix.Errno {
	if helpers > 0 {
		w.finished = make(chan struct{})
	}
	for range helpers {
		go w.help()
	}
	if last := w.work(); !last && helpers > 0 {
		<-w.finished
	}
	return unix.Errno(w.errno.Load())
}

func (w *workers) help() {
	if w.work() {
		close(w.finished)
	}
}

// work does parts until none is left, and reports whether the last to be finished was among them.
func (w *workers) work() (last bool) {
	part := new(int32) // the loader's context
	run := sys.ProgRunAttr{ProgFd: uint32(w.prog), CtxIn: sys.Addr(unsafe.Pointer(part)), CtxSizeIn: uint32(unsafe.Sizeof(*part))}
	for {
		i := w.taken.Add(1) - 1
		if i >= w.parts {
			return last
		}
		*part = w.first + i
		_, errno := sys.BPF(sys.CmdProgRun, unsafe.Pointer(&run), unsafe.Offsetof(run.BatchSize))
		runtime.KeepAlive(part)
		if errno != 0 {
			w.errno.CompareAndSwap(0, uintptr(errno))
		}
		last = w.done.Add(1) == w.parts
		if w.failed != nil && w.failed() {
			w.stopped = true
			return last
		}
	}
}
