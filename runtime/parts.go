package runtime

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// partsLoad is what only loaders in parts need. Nothing but Parts refers to it, so that
// the linker leaves it out of binaries without a large object.
type partsLoad struct {
	check func(*Spec) bool
	run   func(l *loading, loader string) *LoadError
}

// Parts is for generated packages, see [Spec.Parts].
var Parts = &partsLoad{(*Spec).checkParts, (*loading).runParts}

// mostThreads is how many threads do a load.
const mostThreads = 4

// runParts loads the loader and has it do its parts, phase by phase. Other threads help only with what is tried
// again without them: the calling one may have capabilities, namespaces or a seccomp filter of its own.
func (l *loading) runParts(loader string) *LoadError {
	threads := int32(1)
	if l.quick {
		threads = int32(min(runtime.GOMAXPROCS(0), mostThreads))
		defer growFiles(l.spec.files())()
	}
	attr := l.loaderAttr(loader)
	size := loaderAttrSize
	if l.sharesCORE() {
		l.leaveToLoader()
		size = l.loaderCORE(&attr)
	}
	prog, failure := l.loadLoader(&attr, size)
	runtime.KeepAlive(loader)
	if failure != nil {
		return failure
	}
	defer unix.Close(prog)
	first := int32(0)
	for i, parts := range l.spec.Phases {
		resolves := i == 0 && l.spec.CORE.ValueCount > 0
		if !resolves || l.quick {
			c := crew{prog: prog, parts: parts, first: first}
			if errno := c.run(min(threads, parts) - 1); errno != 0 {
				return l.fail(opRunLoader, errno)
			}
		}
		if resolves && l.quick {
			l.applyCORE()
		}
		first += parts
	}
	return nil
}

// checkParts makes sure of what is about parts.
func (s *Spec) checkParts() bool {
	for _, parts := range s.Phases {
		if parts <= 0 || int(parts) > len(s.Loader)/8 {
			return false
		}
	}
	return len(s.Phases) > 0 && s.checkCORE()
}
