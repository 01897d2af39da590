package load

import (
	"slices"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// createOutside creates the maps that the loader must not create (see MapSpec.Outside) from the
// same attrs, and loads the BTF that they or the loader need. It returns a loader without these
// steps.
func (e *engine) createOutside() (loader string, failure *spec.Failure) {
	var done []int
	for i := range e.spec.Steps {
		step := &e.spec.Steps[i]
		var errno unix.Errno
		switch {
		case slices.Contains(e.req.Skip, i):
			continue
		case step.Kind == spec.StepLoadBTF: // precedes the maps that need it
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

// loadBTF carries out StepLoadBTF.
func (e *engine) loadBTF(step *spec.Step) unix.Errno {
	longer := sys.BtfLoadAttr{Btf: sys.Addr(e.blob.at(e.spec.BTF.Data)), BtfSize: e.spec.BTF.Size}
	size := unsafe.Offsetof(longer.BtfLogLevel) + 4
	if token := e.req.token; token != 0 {
		longer.BtfFlags, longer.BtfTokenFd = sys.FlagTokenFd, token
		size = unsafe.Sizeof(longer)
	}
	num, errno := sys.BPF(sys.CmdBtfLoad, unsafe.Pointer(&longer), size)
	if errno == 0 {
		*e.blob.slot(step.Result) = int32(num)
	}
	return errno
}

// createMap carries out StepCreateMap.
func (e *engine) createMap(step *spec.Step) unix.Errno {
	attr := (*sys.MapCreateAttr)(e.blob.at(step.Attr))
	size := uintptr(e.spec.Maps[step.Index].AttrSize)
	if size > unsafe.Offsetof(attr.BtfFd) && attr.BtfKeyTypeId|attr.BtfValueTypeId|attr.BtfVmlinuxValueTypeId != 0 {
		attr.BtfFd = uint32(*e.blob.slot(e.spec.BTF.Slot))
	}
	var longer sys.MapCreateAttr
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&longer)), unsafe.Sizeof(longer)), e.blob.mem[step.Attr:][:size])
	if token := e.req.token; token != 0 {
		longer.MapFlags |= sys.FlagTokenFd
		longer.MapTokenFd = token
		size = max(size, unsafe.Offsetof(longer.ExclProgHash))
	}
	num, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(&longer), size)
	if errno == 0 {
		*e.blob.slot(step.Result) = int32(num)
	}
	return errno
}
