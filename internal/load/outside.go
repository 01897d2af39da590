package load

import (
	"slices"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// createOutside creates the maps that must not be created inside the loader
// (see MapSpec.Outside), from the same attrs, and the BTF that they or the loader need. It returns a loader without their
// steps.
func (e *engine) createOutside() (loader string, failure *spec.Failure) {
	var done []int
	for i := range e.spec.Steps {
		step := &e.spec.Steps[i]
		var errno unix.Errno
		switch {
		case slices.Contains(e.req.Skip, i):
			continue
		case step.Kind == spec.StepLoadBTF: // which the maps need; it comes before them
			errno = e.loadBTF(step)
		case step.Kind == spec.StepCreateMap && e.spec.Maps[step.Index].Outside:
			errno = e.createMap(step)
		default:
			continue
		}
		if errno != 0 {
			return "", e.failStep(i, errno)
		}
		if step.Start < step.End {
			done = append(done, i)
		}
		if step.Kind == spec.StepCreateMap && e.spec.Maps[step.Index].Type == sys.MapTypeArena {
			if err := e.mapArena(int(step.Index)); err != nil {
				f := e.fail(spec.OpMapData, err)
				f.Map = int(step.Index)
				return "", f
			}
		}
	}
	if done == nil {
		return e.spec.Loader, nil
	}
	return e.without(e.spec.Loader, done), nil
}

// loadBTF does what StepLoadBTF does.
func (e *engine) loadBTF(step *spec.Step) unix.Errno {
	attr := (*sys.BtfLoadAttr)(e.blob.at(step.Attr))
	attr.Btf = sys.Addr(e.blob.at(e.spec.BTF.Data))
	num, errno := sys.BPF(sys.CmdBtfLoad, unsafe.Pointer(attr), unsafe.Offsetof(attr.BtfLogLevel)+4)
	if errno == 0 {
		*e.blob.slot(step.Result) = int32(num)
	}
	return errno
}

// createMap does what StepCreateMap does.
func (e *engine) createMap(step *spec.Step) unix.Errno {
	attr := (*sys.MapCreateAttr)(e.blob.at(step.Attr))
	size := uintptr(e.spec.Maps[step.Index].AttrSize)
	if size > unsafe.Offsetof(attr.BtfFd) && attr.BtfKeyTypeId|attr.BtfValueTypeId|attr.BtfVmlinuxValueTypeId != 0 {
		attr.BtfFd = uint32(*e.blob.slot(e.spec.BTF.Slot))
	}
	num, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(attr), size)
	if errno == 0 {
		*e.blob.slot(step.Result) = int32(num)
	}
	return errno
}
