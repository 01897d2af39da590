package load

import (
	"runtime"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// mostThreads is how many threads do a load.
const mostThreads = 4

// runParts loads the loader and has it do its parts, phase by phase. Other threads help only with
// what is tried again without them: the calling one may have capabilities, namespaces or a seccomp
// filter of its own. No more parts are taken once a step has failed. Those before it all have been
// by then, so that the first failure is always the same.
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

// partsAgain reports whether a plain attempt may tell more than a quick one did. A map is created
// once more on the calling thread instead: if the kernel gives the same answer, that is it.
func (e *engine) partsAgain(f *spec.Failure) bool {
	if f.StepKind() != spec.StepCreateMap || e.req.Longer != nil { // createMap knows only the attr of the blob
		return true
	}
	return e.createMap(&e.spec.Steps[f.Step]) != f.Errno // one that is there now is closed with the rest
}
