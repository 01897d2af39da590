package runtime

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/section"
)

// AutoAttach attaches a program of any kind to what its section names. It fails with
// [ErrNoAttachTarget] if the section does not say where to attach: an interface, a cgroup, a
// socket, a map or the symbols of an executable must be given to the method of the program's kind.
func AutoAttach(p *Program) (*Link, error) {
	if !p.exists() {
		return nil, p.fail("attach by section", errNoProgram)
	}
	switch section.AttachesBySection(p.section()) {
	case section.Tracing:
		return TracingProgram{p}.Attach(nil)
	case section.TracingMulti:
		return TracingMultiProgram{p}.Attach(nil)
	case section.LSM:
		return LSMProgram{p}.Attach(nil)
	case section.Ext:
		return ExtProgram{p}.Attach(nil)
	case section.Iter:
		return IterProgram{p}.Attach(nil)
	case section.Tracepoint:
		return TracepointProgram{p}.Attach(nil)
	case section.RawTracepoint:
		return RawTracepointProgram{p}.Attach(nil)
	case section.Kprobe:
		return KprobeProgram{p}.Attach(nil)
	case section.KprobeMulti:
		return KprobeMultiProgram{p}.Attach(nil)
	}
	return nil, p.fail(fmt.Sprintf("attach by section %q", p.spec.Section), ErrNoAttachTarget)
}

func (p *Program) section() section.Program {
	return section.Program{
		Type: p.spec.Type, AttachType: p.spec.AttachType, Section: p.spec.Section, AttachTo: p.spec.AttachTo,
		HasTarget: p.spec.Target >= 0,
	}
}
