package runtime

import (
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// chosenTarget describes a program whose target was chosen between Open and Load: it takes the
// place of the object's own description in the Program, and has NoSlot as its Slot.
type chosenTarget struct {
	spec ProgramSpec
	load.Target
	// use is load.UseTargets. Both are fields, so that a program that calls no SetAttachTarget does
	// not have the code.
	use func(*load.Request) *spec.Failure
	// after adds the target to those of other programs.
	after func(program int32, others unsafe.Pointer) unsafe.Pointer
}

// These are functions, and not methods: each method of Program is in the tables of all typed
// programs, in every binary.

// chosenFor is p's target if it was chosen at run time, nil otherwise.
func chosenFor(p *Program) *chosenTarget {
	if p.spec.Slot != spec.NoSlot {
		return nil
	}
	return (*chosenTarget)(unsafe.Pointer(p.spec))
}

// SetAttachTarget has the next Load load the program for another function of the kernel than its
// section names, or for a tracepoint if it is of section tp_btf: "vfs_read", "sched_switch".
// "MODULE:NAME" is one of a kernel module's. Whether it exists is for Load to say. A program that
// is loaded already, or closed, is an error. It is not safe for concurrent use.
func (p TracingProgram) SetAttachTarget(name string) error { return setKernelTarget(p.Program, name) }

// SetAttachTargetProgram has the next Load load the program for a function of another BPF program,
// which has to be loaded by then, and open until that Load: of section fentry, fexit or fsession.
// If function is "", it is the one that the section names, or where that names none, the function
// with which the other program begins; any but that takes CAP_SYS_ADMIN. The other program may be
// one of [OpenProgramID]. It is not safe for concurrent use.
func (p TracingProgram) SetAttachTargetProgram(target AnyProgram, function string) error {
	return setProgramTarget(p.Program, target, function)
}

// SetAttachTarget has the next Load load the program for another hook than its section names:
// "file_open". See [TracingProgram.SetAttachTarget].
func (p LSMProgram) SetAttachTarget(hook string) error { return setKernelTarget(p.Program, hook) }

// SetAttachTarget has the next Load load the program for another iterator than its section names:
// "task". See [TracingProgram.SetAttachTarget].
func (p IterProgram) SetAttachTarget(name string) error { return setKernelTarget(p.Program, name) }

// SetAttachTarget has the next Load load a program of section lsm_cgroup for another hook than that
// names. Other programs for cgroups have no target: that is an error. See
// [TracingProgram.SetAttachTarget].
func (p CgroupProgram) SetAttachTarget(hook string) error { return setKernelTarget(p.Program, hook) }

// SetAttachTargetProgram says which program it is whose function this one takes the place of. See
// [TracingProgram.SetAttachTargetProgram]; an ExtProgram cannot be loaded without.
func (p ExtProgram) SetAttachTargetProgram(target AnyProgram, function string) error {
	return setProgramTarget(p.Program, target, function)
}

const opSetTarget = "set attach target"

func setKernelTarget(p *Program, name string) error {
	if err := mayChoose(p); err != nil {
		return err
	}
	target, err := kernelTarget(p, name)
	if err != nil {
		return err
	}
	choose(p, target, name)
	return nil
}

// kernelTarget is what the kernel's BTF calls a target of p.
func kernelTarget(p *Program, name string) (target load.Target, err error) {
	module, function, ok := strings.Cut(name, ":")
	if !ok {
		module, function = "", name
	}
	if function == "" {
		return target, p.fail(opSetTarget, &sentinelError{text: "no name is given", errno: unix.EINVAL})
	}
	target = load.Target{Name: function, Kind: sys.BtfKindFunc, Module: module}
	switch {
	case !spec.NeedsTarget(p.spec.Type, p.spec.AttachType):
		return target, p.fail(opSetTarget, &sentinelError{text: "a program of section " + p.spec.Section + " is not loaded for a target", errno: unix.EINVAL})
	case p.spec.Type == sys.ProgTypeLSM:
		target.Name = "bpf_lsm_" + function
	case p.spec.AttachType == sys.AttachTraceRawTP:
		target.Name, target.Kind = "btf_trace_"+function, sys.BtfKindTypedef
	case p.spec.AttachType == sys.AttachTraceIter:
		target.Name = "bpf_iter_" + function
	}
	return target, nil
}

func setProgramTarget(p *Program, target AnyProgram, function string) error {
	if err := mayChoose(p); err != nil {
		return err
	}
	t, err := programTarget(p, target, function)
	if err != nil {
		return err
	}
	choose(p, t, t.Name)
	return nil
}

// programTarget is a function of another program, as a target of p.
func programTarget(p *Program, target AnyProgram, function string) (t load.Target, err error) {
	other := programOf(target)
	if !other.exists() {
		return t, p.fail(opSetTarget, errNoProgram)
	}
	if function == "" {
		function = sectionFunction(p)
	}
	return load.Target{Name: function, Kind: sys.BtfKindFunc, Open: func() (int, func(), error) {
		num, err := other.acquire("use as a target")
		return num, other.fd.release, err
	}}, nil
}

// sectionFunction is the function that the section of p names, or SetAttachTargetProgram has named.
func sectionFunction(p *Program) string {
	_, function, ok := strings.Cut(p.attachTo(), ":") // "MODULE:FUNCTION"
	if !ok {
		return p.attachTo()
	}
	return function
}

// mayChoose reports why p's target cannot be chosen.
func mayChoose(p *Program) error {
	switch {
	case !p.exists():
		return p.fail(opSetTarget, errNoProgram)
	case p.fd.state.Load() < 0:
		return p.fail(opSetTarget, errProgClosed)
	case p.fd.num.Load() > 0:
		return p.fail(opSetTarget, &sentinelError{text: "is loaded already", errno: unix.EBUSY})
	}
	return nil
}

// choose gives p a description with a target of its own.
func choose(p *Program, target load.Target, attachTo string) {
	c := &chosenTarget{spec: *p.spec, Target: target, use: load.UseTargets}
	c.spec.Slot, c.spec.AttachTo = spec.NoSlot, attachTo
	c.after = func(program int32, others unsafe.Pointer) unsafe.Pointer {
		c.Program = program
		c.Next = (*load.Target)(others)
		return unsafe.Pointer(&c.Target)
	}
	p.spec = &c.spec
}
