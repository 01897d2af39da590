package oldkernel

import (
	"errors"
	"slices"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// isForOldKernel reports whether a load with a loader program has failed for what the kernel lacks, rather than the object.
func isForOldKernel(req *load.Request, f *spec.Failure) bool {
	if req.RequireSignature || f.Lost || errors.Is(f.Err, load.ErrSigned) {
		return false
	}
	switch f.Op {
	case spec.OpCreateBlob, spec.OpFillBlob, spec.OpFreezeBlob, spec.OpLoadLoader:
		if f.Errno == unix.E2BIG && len(req.Spec.Blob) > maxOldValue {
			return true
		}
		return f.Errno != unix.ENOSYS && f.Errno != unix.EMFILE && (!probed().loaders || !probed().core && f.Errno != unix.EPERM)
	case spec.OpStep:
	default:
		return false
	}
	switch f.StepKind() {
	case spec.StepLoadProgram:
		// The attr is too long for a kernel that knows no core_relos.
		p := &req.Spec.Programs[req.Spec.Steps[f.Step].Index]
		return p.CORERelos != 0 && f.Errno == unix.E2BIG && !probed().core
	case spec.StepLoadBTF:
		raw := []byte(req.Spec.Blob[req.Spec.BTF.Data:][:req.Spec.BTF.Size])
		return f.Errno == unix.EINVAL && fitBTF(raw, knownKinds()) != nil
	case spec.StepFindExtern:
		// Addresses are looked up by a helper that came later than loaders (5.16): the verifier refuses the loader, above.
	}
	return false
}

// maxOldValue is the size of the largest map value before Linux 6.0 (KMALLOC_MAX_SIZE in array_map_alloc_check).
const maxOldValue = 4<<20 - 64

// explain says why the second way has failed. That the kernel resolves no CO-RE plays no part in it, so the advice is that for an object
// without.
func (k *kernel) explain(f *spec.Failure) {
	if k.failed != nil && f.StepKind() == spec.StepLoadProgram && f.Log == "" {
		f.Reason = k.failed.Error()
	}
	reasons := *f
	explain.Explain(&reasons)
	resolved := *f.Spec
	resolved.Programs = slices.Clone(f.Spec.Programs)
	for i := range resolved.Programs {
		resolved.Programs[i].CORERelos = 0
	}
	hints := *f
	hints.Spec, hints.Reason = &resolved, reasons.Reason
	explain.Explain(&hints)
	f.Reason, f.Log = reasons.Reason, reasons.Log
	if f.Hint = hints.Hint; f.Hint == "" {
		f.Hint = "loaded without a loader program, by package runtime/oldkernel"
	}
}
