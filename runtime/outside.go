package runtime

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// outsideLoad is what only objects with such maps, or such BTF, need. Nothing but Outside refers to it, so that
// the linker leaves it out of the binaries of others.
type outsideLoad struct {
	create func(*loading) (loader string, failure *LoadError)
}

// Outside is for generated packages, see [Spec.Outside].
var Outside = &outsideLoad{(*loading).createOutside}

// createOutside creates the maps that must not be created inside the loader
// (see MapSpec.Outside), from the same attrs, and the BTF that they or the loader need. It returns a loader without their
// steps.
func (l *loading) createOutside() (loader string, failure *LoadError) {
	var done []int
	for i, step := range l.spec.Steps {
		var err error
		switch {
		case step.Kind == StepLoadBTF: // which the maps need; it comes before them
			err = l.loadBTF(step)
		case step.Kind == StepCreateMap && l.spec.Maps[step.Index].Outside:
			err = l.createMap(step)
		default:
			continue
		}
		if err != nil {
			return "", l.failStep(i, err.(unix.Errno))
		}
		if step.Start < step.End {
			done = append(done, i)
		}
		if step.Kind == StepLoadBTF {
			continue
		}
		if m := &l.maps[step.Index]; m.spec().Type == mapTypeArena {
			if err := m.mapArena(int(*l.slot(step.Result)), l.mem[m.spec().Data:][:m.spec().DataSize]); err != nil {
				return "", l.fail(opMapData+m.Name(), err)
			}
		}
	}
	if done == nil {
		return l.spec.Loader, nil
	}
	return l.without(done), nil
}

// loadBTF does what StepLoadBTF does.
func (l *loading) loadBTF(step Step) error {
	attr := (*sys.BtfLoadAttr)(l.at(step.Attr))
	attr.Btf = uint64(uintptr(l.at(l.spec.BTF.Data)))
	num, err := bpf(unix.BPF_BTF_LOAD, unsafe.Pointer(attr), unsafe.Offsetof(attr.BtfLogLevel)+4)
	if err != nil {
		return err
	}
	*l.slot(step.Result) = int32(num)
	return nil
}

// createMap does what StepCreateMap does.
func (l *loading) createMap(step Step) error {
	attr := (*sys.MapCreateAttr)(l.at(step.Attr))
	size := uintptr(l.spec.Maps[step.Index].AttrSize)
	if size > unsafe.Offsetof(attr.BtfFd) && attr.BtfKeyTypeId|attr.BtfValueTypeId != 0 {
		attr.BtfFd = uint32(*l.slot(l.spec.BTF.Slot))
	}
	num, err := bpf(unix.BPF_MAP_CREATE, unsafe.Pointer(attr), size)
	if err != nil {
		return err
	}
	*l.slot(step.Result) = int32(num)
	return nil
}

// unmapArenas takes back what createOutside has mapped.
func (l *loading) unmapArenas() {
	for i := range l.maps {
		l.maps[i].unmapArena()
	}
}

// without returns a loader in which these steps do nothing.
func (l *loading) without(steps []int) string {
	loader := []byte(l.spec.Loader)
	var nop [8]byte // if true goto +0
	nop[0] = 0x05   // BPF_JMP | BPF_JA
	for _, i := range steps {
		step := l.spec.Steps[i]
		for insn := step.Start; insn < step.End; insn++ {
			copy(loader[8*insn:], nop[:])
		}
	}
	return unsafe.String(unsafe.SliceData(loader), len(loader))
}
