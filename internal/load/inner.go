package load

import (
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// UseInner returns the code for objects with maps of maps.
func UseInner() Hook { return Hook{(*engine).fitInner, (*engine).keepBTF} }

// InnerBTF is the object's BTF, kept for the maps that a map of maps will hold.
type InnerBTF struct {
	Map int // index in Spec.Maps
	FD  int
}

// fitInner gives the templates of inner maps the sizes that this machine needs, as libbpf's
// create_inner_map does.
func (e *engine) fitInner() error {
	for i := range e.spec.Steps {
		step := &e.spec.Steps[i]
		if step.Kind != spec.StepCreateInner {
			continue
		}
		attr := (*sys.MapCreateAttr)(e.blob.at(step.Attr))
		n, err := FitEntries(SizingOf(attr.MapType), attr.MaxEntries)
		if err != nil {
			return err
		}
		attr.MaxEntries = n
	}
	return nil
}

// SizingOf returns the sizing that the loader's generator sets for a map of this type.
func SizingOf(mapType uint32) spec.Sizing {
	switch mapType {
	case sys.MapTypePerfEventArray, sys.MapTypeCPUMap:
		return spec.SizeCPUs
	case sys.MapTypeRingBuf, sys.MapTypeUserRingBuf:
		return spec.SizePages
	}
	return spec.SizeFixed
}

// keepBTF keeps the object's BTF for maps that are created later and put into a map of maps.
func (e *engine) keepBTF() *spec.Failure {
	for i := range e.spec.Steps {
		step := &e.spec.Steps[i]
		if step.Kind != spec.StepCreateInner || e.spec.BTF.Attr == 0 {
			continue
		}
		num, err := unix.FcntlInt(uintptr(*e.blob.slot(e.spec.BTF.Slot)), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return e.fail(spec.OpKeepBTF, err)
		}
		e.InnerBTF = append(e.InnerBTF, InnerBTF{int(step.Index), num})
	}
	return nil
}
