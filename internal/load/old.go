package load

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// Old is the support of package runtime/oldkernel for kernels that lack what this package needs. It
// is nil in programs that do not import that package.
var Old *OldKernel

// OldKernel loads and attaches on old kernels.
type OldKernel struct {
	// Fallback returns features, made by [TakeOver], with which a load is done in another way if
	// the kernel needs it.
	Fallback func(*Features) *Features
	// Cloner returns what prepares clones of a program: [NewCloner], or a ClonerMaker that
	// interprets the loader. interpreted reports how the object was loaded.
	Cloner func(s *spec.Spec, program int32, interpreted bool) ClonerMaker
	// AttachPerfEvent attaches a program to a perf event and enables the event, on kernels without
	// links for perf events (before 5.15). The attachment lasts as long as the event.
	AttachPerfEvent func(program, event int) error
}

// Runner carries out a request, as [Run] does.
type Runner func(*Request) (*Loaded, *spec.Failure)

// TakeOver returns features with which [Run] passes a request to another runner. The runner gets
// the request with the original features, and may call Run.
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
