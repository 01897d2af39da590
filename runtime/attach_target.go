package runtime

import (
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// chosenTarget describes a program whose target was chosen between Open and Load. It replaces the
// object's own description in the Program, and its Slot is NoSlot.
type chosenTarget struct {
	spec ProgramSpec
	load.Target
	// use is load.UseTargets. It and after are fields so that a program that never calls
	// SetAttachTarget does not contain the code.
	use func(*load.Request) *spec.Failure
	// after adds the target to those of other programs.
	after func(program int32, others unsafe.Pointer) unsafe.Pointer
}

// These are functions rather than methods, because every method of Program is in the method tables
// of all typed programs, in every binary.

// chosenFor returns p's target if it was chosen at run time, or nil.
func chosenFor(p *Program) *chosenTarget {
	if p.spec.Slot != spec.NoSlot {
		return nil
	}
	return (*chosenTarget)(unsafe.Pointer(p.spec))
}

// SetAttachTarget replaces the target in the program's section with another kernel function or, for
// section tp_btf, another tracepoint: "vfs_read", "sched_switch". Use "MODULE:NAME" for one in a
// kernel module. Call it before Load, which loads the program for that target and reports an error
// if there is no such target. SetAttachTarget fails if the program is already loaded or closed. It
// is not safe for concurrent use.
func (p TracingProgram) SetAttachTarget(name string) error { return setKernelTarget(p.Program, name) }

// SetAttachTargetProgram replaces the target in the program's section with a function of another
// BPF program, in sections fentry, fexit and fsession. Call it before Load. The other program must
// be loaded by then, and stay open until then; it may come from [OpenProgramID]. If function is "",
// it is the function that the section names or, if the section names none, the other program's
// entry function. Any other function requires CAP_SYS_ADMIN. SetAttachTargetProgram is not safe for
// concurrent use.
func (p TracingProgram) SetAttachTargetProgram(target AnyProgram, function string) error {
	return setProgramTarget(p.Program, target, function)
}

// SetAttachTarget replaces the hook in the program's section with another one, such as "file_open".
// See [TracingProgram.SetAttachTarget].
func (p LSMProgram) SetAttachTarget(hook string) error { return setKernelTarget(p.Program, hook) }

// SetAttachTarget replaces the iterator in the program's section with another one, such as "task".
// See [TracingProgram.SetAttachTarget].
func (p IterProgram) SetAttachTarget(name string) error { return setKernelTarget(p.Program, name) }

// SetAttachTarget replaces the hook in the program's section, which must be lsm_cgroup, with
// another one. It fails for other cgroup programs, which have no target. See
// [TracingProgram.SetAttachTarget].
func (p CgroupProgram) SetAttachTarget(hook string) error { return setKernelTarget(p.Program, hook) }

// SetAttachTargetProgram sets the program and the function that this program replaces. An
// ExtProgram cannot be loaded without a target program. See
// [TracingProgram.SetAttachTargetProgram].
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

// kernelTarget returns the target of p under its name in the kernel's BTF.
func kernelTarget(p *Program, name string) (target load.Target, err error) {
	module, function, ok := strings.Cut(name, ":")
	if !ok {
		module, function = "", name
	}
	if function == "" {
		return target, p.fail(opSetTarget, &sentinelError{text: "the name is empty", errno: unix.EINVAL})
	}
	target = load.Target{Name: function, Kind: sys.BtfKindFunc, Module: module}
	switch {
	case !spec.NeedsTarget(p.spec.Type, p.spec.AttachType):
		return target, p.fail(opSetTarget, &sentinelError{text: "programs of section " + p.spec.Section + " have no target", errno: unix.EINVAL})
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

// programTarget returns a function of another program as a target of p.
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

// sectionFunction returns the function that the section of p names, or that an earlier
// SetAttachTargetProgram has set.
func sectionFunction(p *Program) string {
	_, function, ok := strings.Cut(p.attachTo(), ":") // "MODULE:FUNCTION"
	if !ok {
		return p.attachTo()
	}
	return function
}

// mayChoose returns the reason why p's target cannot be chosen, if there is one.
func mayChoose(p *Program) error {
	switch {
	case !p.exists():
		return p.fail(opSetTarget, errNoProgram)
	case p.fd.state.Load() < 0:
		return p.fail(opSetTarget, errProgClosed)
	case p.fd.num.Load() > 0:
		return p.fail(opSetTarget, &sentinelError{text: "already loaded", errno: unix.EBUSY})
	}
	return nil
}

// choose gives p its own description, with the given target.
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
