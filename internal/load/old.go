package load

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// Old is what package runtime/oldkernel does for kernels that lack what this package needs; nil in
// programs that do not import it.
var Old *OldKernel

// OldKernel loads and attaches on old kernels.
type OldKernel struct {
	// Fallback returns features that have a load done in another way if the kernel needs it: those
	// of [TakeOver].
	Fallback func(*Features) *Features
	// Cloner says what prepares clones of a program: [NewCloner], or one that interprets the loader
	// as well. Interpreted says how the object was loaded.
	Cloner func(s *spec.Spec, program int32, interpreted bool) ClonerMaker
	// AttachPerfEvent attaches a program to a perf event and enables that, where there are no links
	// for it (5.15). The attachment lasts as long as the event.
	AttachPerfEvent func(program, event int) error
}

// Runner carries out a request, as [Run] does.
type Runner func(*Request) (*Loaded, *spec.Failure)

// TakeOver returns features with which [Run] leaves a request to another runner, which gets it with
// the features as they are. It may call Run.
func TakeOver(f *Features, run Runner) *Features {
	taken := *f
	taken.Targets = func(req *Request) (failure *spec.Failure) {
		inner := *req
		inner.Features = unsafe.Pointer(f)
		req.loaded, failure = run(&inner)
		return failure
	}
	return &taken
}
