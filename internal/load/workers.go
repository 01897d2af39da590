package load

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// workers runs the parts of a phase on several threads. Each thread takes one part after another.
type workers struct {
	prog         int
	first, parts int32
	taken, done  atomic.Int32
	errno        atomic.Uintptr // of a failed run, 0 if none failed
	finished     chan struct{}  // closed by the helper that finishes the last part

	// engine reports after each part whether a step has failed. If so, no more parts are taken:
	// later parts can keep the verifier busy for seconds, and are useless.
	engine  *engine
	stopped atomic.Bool
}

// run runs all parts, together with helpers. Helpers that start too late find nothing to do, and
// run does not wait for them.
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

// work runs parts until none is left, and reports whether it finished the last one.
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
			finished += max(w.parts-w.taken.Swap(w.parts), 0) // the parts that are not taken anymore
		}
		last = w.done.Add(finished) == w.parts
	}
}
