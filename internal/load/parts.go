package load

import (
	"runtime"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// mostThreads is the maximum number of threads that carry out a load.
const mostThreads = 4

// runParts loads the loader and runs its parts, phase by phase. Other threads help only if a failed
// load is tried again without them, since the calling thread may have its own capabilities,
// namespaces or seccomp filter. No more parts are taken once a step has failed. All parts before
// the failed one have been taken by then, so the first failure is always the same.
func (e *engine) runParts(loader string) *spec.Failure {
	threads := int32(1)
	if e.quick {
		threads = int32(min(runtime.GOMAXPROCS(0), mostThreads))
		defer growFiles(e.spec.Files())()
	}
	attr := e.loaderAttr(loader)
	size := loaderAttrSize
	if e.spec.CORE.ValueCount > 0 {
		e.leaveToLoader()
		size = e.loaderCORE(&attr)
	}
	prog, failure := e.loadLoader(&attr, size)
	runtime.KeepAlive(loader)
	if failure != nil {
		return failure
	}
	defer unix.Close(prog)
	first := int32(0)
	for i, parts := range e.spec.Phases {
		w := workers{prog: prog, parts: parts, first: first, engine: e}
		if errno := w.run(min(threads, parts) - 1); errno != 0 {
			return e.fail(spec.OpRunLoader, errno)
		}
		if w.stopped.Load() {
			return nil // the failure is in the slots
		}
		if i == 0 && e.spec.CORE.ValueCount > 0 {
			e.applyCORE()
		}
		first += parts
	}
	return nil
}

// partsAgain reports whether a plain attempt may give another result than the quick one did. For a
// map, it creates the map again on the calling thread instead: if the kernel returns the same
// errno, that errno is final.
func (e *engine) partsAgain(f *spec.Failure) bool {
	if f.StepKind() != spec.StepCreateMap || e.req.Longer != nil { // createMap uses only the attr in the blob
		return true
	}
	return e.createMap(&e.spec.Steps[f.Step]) != f.Errno // a map that was created now is closed with the rest
}
