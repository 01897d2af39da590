// Package oldkernel loads the packages that bpf2lskel generates on kernels that are too old for
// loader programs, and on those that have them but no CO-RE of their own. A blank import is all
// that it takes:
//
//	import _ "github.com/bpf2lskel/bpf2lskel/runtime/oldkernel"
//
// It changes nothing where a load succeeds, and nothing about the error of an object that the
// kernel refuses for the object's own sake. Where the kernel lacks what a loader program needs, the
// load is done again by plain system calls, from the same blob: the loader is interpreted in the
// process, CO-RE is resolved by package btf of cilium/ebpf, and the object's BTF is made fit for
// the kernel. This is the case
//
//   - before Linux 5.14, which has no loader programs;
//   - before 5.17 if the object has CO-RE relocations, or BTF that the kernel does not know;
//   - later, if the kernel does not know a kind of the object's BTF;
//   - before 6.0 if the blob is above 4 MiB.
//
// [runtime.Skeleton.Interpreted] reports which way it was. Such a load costs what one by
// cilium/ebpf costs, some milliseconds for the kernel's BTF above all, and the import brings
// cilium/ebpf/btf into the binary.
//
// A load with RequireSignature is never done this way: the kernel verifies loader programs only.
// Other loads of a signed package are, and its Signature says that nothing was verified.
//
// Before 5.11 the memory of maps and programs counts against RLIMIT_MEMLOCK. A load that the kernel
// refuses for that raises the limit of the process, as libbpf does.
//
// Attaching works with links since the version that has them: cgroups 5.7, XDP 5.9, network
// namespaces 5.8. Kprobes, uprobes, tracepoints and perf events, for which there are links since
// 5.15, are attached without before; such a [runtime.Link] has no file descriptor and cannot be
// pinned. Cookies need links.
package oldkernel

import (
	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

func init() {
	load.Old = &load.OldKernel{Fallback: Options{}.Fallback(), AttachPerfEvent: attachPerfEvent}
}

// Options say how a fallback loads.
type Options struct {
	// KernelTypes are the types to resolve CO-RE against, for kernels that are built without BTF: a
	// file of BTFHub, say, read by btf.LoadSpec. Nil means the running kernel's.
	KernelTypes *btf.Spec
}

// Fallback is for LoadOptions.Fallback: it loads as the import alone has it, with these options.
func (o Options) Fallback() runtime.Fallback {
	return func(f *load.Features) *load.Features {
		return load.TakeOver(f, func(req *load.Request) (*load.Loaded, *spec.Failure) {
			loaded, failure := load.Run(req)
			if failure == nil || !isForOldKernel(req, failure) {
				return loaded, failure
			}
			return o.interpret(req)
		})
	}
}

// Always is for LoadOptions.Fallback: it runs no loader program, whatever the kernel can do.
func (o Options) Always() runtime.Fallback {
	return func(f *load.Features) *load.Features { return load.TakeOver(f, o.interpret) }
}

// Always does so with the default options: for tests.
func Always(f *load.Features) *load.Features { return Options{}.Always()(f) }

// Never is for LoadOptions.Fallback: it loads as if the package were not imported.
func Never(f *load.Features) *load.Features { return f }

func (o Options) interpret(req *load.Request) (*load.Loaded, *spec.Failure) {
	k, err := newKernel(req.Spec, o.KernelTypes)
	if err != nil {
		return nil, &spec.Failure{Spec: req.Spec, Op: spec.OpPatch, Step: -1, Err: err}
	}
	loaded, failure := load.Interpret(req, k)
	if failure != nil {
		k.explain(failure)
	}
	return loaded, failure
}

// attachPerfEvent attaches a program to a perf event by ioctl.
func attachPerfEvent(program, event int) error {
	if err := unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_SET_BPF, program); err != nil {
		return err
	}
	return unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_ENABLE, 0)
}
