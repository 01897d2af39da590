package oldkernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/since"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// isForOldKernel reports whether a load with a loader program has failed because of the kernel
// rather than the object.
func (o Options) isForOldKernel(req *load.Request, f *spec.Failure) bool {
	switch {
	case req.RequireSignature || f.Lost || f.Errno == unix.ENOSYS || errors.Is(f.Err, spec.ErrSigned):
		return false
	case !probed().loaders:
		return true // whatever the error: the loader could not have run
	}
	switch f.Op {
	case spec.OpCreateBlob, spec.OpFillBlob, spec.OpFreezeBlob, spec.OpLoadLoader:
		if f.Errno == unix.E2BIG && len(req.Spec.Blob) > maxOldValue {
			return true
		}
		return f.Errno != unix.EMFILE && f.Errno != unix.EPERM && !probed().core
	case spec.OpStep:
	default:
		return false
	}
	switch f.StepKind() {
	case spec.StepLoadProgram:
		// The attr is too long for a kernel without core_relos.
		p := &req.Spec.Programs[req.Spec.Steps[f.Step].Index]
		if p.CORERelos != 0 && o.KernelTypes != nil && !hasBTF() {
			return true // a kernel that could, were it built with BTF
		}
		return p.CORERelos != 0 && f.Errno == unix.E2BIG && !probed().core
	case spec.StepLoadBTF:
		raw := []byte(req.Spec.Blob[req.Spec.BTF.Data:][:req.Spec.BTF.Size])
		return f.Errno == unix.EINVAL && fitBTF(raw, knownKinds()) != nil
	case spec.StepFindExtern:
		// The helper that looks up addresses is newer than loader programs (5.16): without it, the
		// verifier refuses the loader, which is handled above.
	}
	return false
}

// hasBTF reports whether the kernel was built with BTF, which it needs to resolve CO-RE.
func hasBTF() bool {
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	return !errors.Is(err, fs.ErrNotExist)
}

// maxOldValue is the size of the largest map value before Linux 6.0 (KMALLOC_MAX_SIZE in
// array_map_alloc_check).
const maxOldValue = 4<<20 - 64

// explain explains the failure of a load without a loader program. It ignores that the kernel
// cannot resolve CO-RE relocations, which does not matter here, by asking for the hint for an
// object without them.
func (k *kernel) explain(f *spec.Failure) {
	if k.failed != nil && f.StepKind() == spec.StepLoadProgram && f.Log == "" {
		f.Reason = k.failed.Error()
	}
	if f.Op != spec.OpStep {
		f.Hint = "loaded without a loader program, by package runtime/oldkernel"
		if f.Errno == unix.EMFILE {
			f.Hint = fmt.Sprintf("RLIMIT_NOFILE is too low: this load opens up to %d more files", f.Spec.Files())
		}
		return
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
	f.Hint = hints.Hint
	if newer := neededBy(f); newer.TooNew(sys.KernelVersion()) {
		f.Hint = newer.String() + ", this is " + sys.Release()
	}
	if f.Hint == "" && k.types.given != nil && f.StepKind() == spec.StepLoadProgram {
		f.Hint = "CO-RE was resolved against Options.KernelTypes of runtime/oldkernel, not this kernel's BTF"
	}
	if f.Hint == "" && errors.Is(k.failed, btf.ErrNotSupported) && !hasBTF() {
		f.Hint = "this kernel is built without BTF: give its types by Options.KernelTypes of runtime/oldkernel"
	}
	if f.Hint == "" {
		f.Hint = "loaded without a loader program, by package runtime/oldkernel"
	}
}

// unknownHelper returns the number of the helper that the kernel lacks according to the log, or 0
// if it does not mention one.
func unknownHelper(log string) uint32 {
	_, rest, _ := strings.Cut(log, "invalid func unknown#")
	return uint32(max(0, sys.LeadingNumber(rest)))
}

// neededBy returns the feature that a failed step needs and this kernel is too old for.
func neededBy(f *spec.Failure) since.Feature {
	if f.Errno != unix.EINVAL && f.Errno != unix.E2BIG {
		return since.Feature{}
	}
	var features []since.Feature
	switch f.StepKind() {
	case spec.StepCreateMap:
		features = []since.Feature{since.MapType(f.Spec.Maps[f.Spec.Steps[f.Step].Index].Type)}
	case spec.StepLoadProgram:
		p := &f.Spec.Programs[f.Spec.Steps[f.Step].Index]
		features = []since.Feature{since.ProgramType(p.Type), since.Helper(unknownHelper(f.Log))}
		features = append(features, since.Flags(p.Type, f.Spec.Word(p.Attr+spec.BlobOff(unsafe.Offsetof(sys.ProgLoadAttr{}.ProgFlags))))...)
		if p.Type != sys.ProgTypeStructOps { // whose attach type is the index of a member
			features = append(features, since.AttachType(p.AttachType))
		}
	}
	for _, x := range features {
		if x.TooNew(sys.KernelVersion()) {
			return x
		}
	}
	return since.Feature{}
}
