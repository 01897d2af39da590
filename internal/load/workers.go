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

	// engine says after each part whether a step has failed. Then no more parts are taken: what
	// comes after it can take the verifier seconds, and is of no use.
	engine  *engine
	stopped atomic.Bool
}

// run does all parts, together with helpers. Helpers that come too late find nothing to do, and
// nobody waits for them.
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
		finished := int32(1)
		if errno != 0 || w.engine.check() != nil {
			w.stopped.Store(true)
			finished += max(w.parts-w.taken.Swap(w.parts), 0) // those that nobody takes
		}
		last = w.done.Add(finished) == w.parts
	}
}
