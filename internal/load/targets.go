package load

import (
	"encoding/binary"
	"slices"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// This file gives programs attach targets other than those that their sections name. It changes a
// copy of the Spec: the attempts of a load and the explanations of failures are unaware of the
// change.

// Target is a program's attach target that is chosen at run time: a function or type of the kernel,
// or a function of another BPF program. It needs [UseTargets].
type Target struct {
	_ incomparable

	Next    *Target // for another program
	Program int32   // index in Spec.Programs

	// Name, Kind and Module identify a function or type in the kernel's BTF, as in a
	// spec.TargetSpec.
	Name   string
	Kind   uint8
	Module string

	// Open is set for a function of another program: Name, or that program's entry function if it
	// is empty. It returns the program's file descriptor, which stays open until release is called.
	Open func() (fd int, release func(), err error)
}

// UseTargets carries out a request with targets that are chosen at run time, or with programs that
// may lack a target.
func UseTargets(req *Request) *spec.Failure {
	e := engine{Loaded: Loaded{spec: req.Spec}, req: *req}
	release, failure := e.chooseTargets()
	if failure != nil {
		return failure
	}
	defer release()
	e.req.loaded = &e.Loaded // any value: the targets have been found
	req.loaded, failure = Run(&e.req)
	return failure
}

// chooseTargets finds the request's targets, and makes a Spec with them. The targets must exist
// until release is called, which may be done once the load has ended.
func (e *engine) chooseTargets() (release func(), failure *spec.Failure) {
	release = func() {}
	if targets := targetsOf(&e.req); len(targets) > 0 {
		found, failure := e.findTargets(targets)
		release = func() {
			for i := range found {
				found[i].release()
			}
		}
		if failure == nil {
			failure = e.setTargets(targets, found)
		}
		if failure != nil {
			release()
			return nil, failure
		}
	}
	for i := range e.spec.Steps {
		step := &e.spec.Steps[i]
		if step.Kind == spec.StepLoadProgram && e.req.wants(step.Index) && spec.LacksTarget(&e.spec.Programs[step.Index]) {
			release()
			f := e.failStep(i, unix.EINVAL)
			f.Hint = targetHint(&e.spec.Programs[step.Index])
			return nil, f
		}
	}
	return release, nil
}

// targetHint returns what to do about a program without a target. docs/errors.md has it.
func targetHint(p *spec.ProgramSpec) string {
	if p.Type == sys.ProgTypeExt {
		// Cause: freplace program without a target
		// Kernel: not asked: `EINVAL`
		return "a freplace program replaces a function of another program: call SetAttachTargetProgram before Load"
	}
	section := strings.TrimPrefix(p.Section, "?")
	// Cause: tracing program without a target
	// Kernel: not asked: `EINVAL`
	return "its section does not name what it attaches to: call SetAttachTarget before Load, or write SEC(\"" + section + "/NAME\")"
}

// targetsOf returns the targets of programs that are to be loaded.
func targetsOf(r *Request) (list []*Target) {
	for t := (*Target)(r.Targets); t != nil; t = t.Next {
		if r.wants(t.Program) {
			list = append(list, t)
		}
	}
	return list
}

// foundTarget is a target as an attr describes it.
type foundTarget struct {
	btfID uint32
	fd    int32  // the fd of a module's BTF, or of a program; 0 for vmlinux
	done  func() // releases fd; nil if there is nothing to release
}

func (f *foundTarget) release() {
	if f.done != nil {
		f.done()
	}
}

// findTargets finds all targets. After a failure, it also returns the targets found so far.
func (e *engine) findTargets(targets []*Target) ([]foundTarget, *spec.Failure) {
	found := make([]foundTarget, len(targets))
	var kernel []int
	for i, t := range targets {
		if t.Open == nil {
			kernel = append(kernel, i)
			continue
		}
		fd, done, err := t.Open()
		if err == nil {
			found[i] = foundTarget{fd: int32(fd), done: done}
			found[i].btfID, err = FunctionOf(fd, t.Name)
		}
		if err != nil {
			f := e.fail(spec.OpPatch, err)
			f.Doing = "find the function that program " + e.spec.Programs[t.Program].Name + " attaches to"
			return found, f
		}
	}
	if len(kernel) == 0 {
		return found, nil
	}
	wanted := make([]*Target, len(kernel))
	for i, n := range kernel {
		wanted[i] = targets[n]
	}
	results, failure := findKernel(e.spec, wanted)
	for i, n := range kernel[:len(results)] {
		found[n] = results[i]
	}
	return found, failure
}

// Offsets of the target in a program's attr.
const (
	attachBTFID = unsafe.Offsetof(sys.ProgLoadAttr{}.AttachBtfId)
	attachFD    = unsafe.Offsetof(sys.ProgLoadAttr{}.AttachBtfObjFd) // or attach_prog_fd
	targetEnd   = uint32(attachFD) + 4
)

// setTargets replaces the request's Spec with one in which programs have these targets.
func (e *engine) setTargets(targets []*Target, found []foundTarget) *spec.Failure {
	changed := *e.spec
	changed.Programs = slices.Clone(changed.Programs)
	changed.Targets = slices.Clone(changed.Targets)
	changed.Sums = spec.Sums{} // Sums are of the files, which have been checked
	blob, loader := []byte(changed.Blob), []byte(changed.Loader)
	for i, t := range targets {
		p := &changed.Programs[t.Program]
		step := e.stepOf(t.Program)
		if step < 0 || e.req.attrSize(step) < targetEnd || int(p.Attr)+int(targetEnd) > len(blob) {
			return e.fail(spec.OpPatch, spec.DamagedError("program "+p.Name+": its attr has no target"))
		}
		binary.NativeEndian.PutUint32(blob[p.Attr+spec.BlobOff(attachBTFID):], found[i].btfID)
		binary.NativeEndian.PutUint32(blob[p.Attr+spec.BlobOff(attachFD):], uint32(found[i].fd))
		leaveTarget(loader, &e.spec.Steps[step])
		p.Target = int32(len(changed.Targets))
		changed.Targets = append(changed.Targets, spec.TargetSpec{Name: t.Name, Kind: t.Kind, Module: t.Module})
	}
	changed.Blob, changed.Loader = unsafe.String(unsafe.SliceData(blob), len(blob)), unsafe.String(unsafe.SliceData(loader), len(loader))
	e.spec, e.req.Spec = &changed, &changed
	e.req.Skip = slices.Clip(e.req.Skip)
	for i := range changed.Steps {
		if step := &changed.Steps[i]; step.Kind == spec.StepFindTarget && !e.isTarget(step.Index) {
			e.req.Skip = append(e.req.Skip, i)
		}
	}
	return nil
}

// stepOf returns the index of the step that loads a program, or -1 if there is none.
func (e *engine) stepOf(program int32) int {
	return slices.IndexFunc(e.spec.Steps, func(s spec.Step) bool { return s.Kind == spec.StepLoadProgram && s.Index == program })
}

// isTarget reports whether any program attaches to a target.
func (e *engine) isTarget(target int32) bool {
	return slices.ContainsFunc(e.spec.Programs, func(p spec.ProgramSpec) bool { return p.Target == target })
}

// leaveTarget makes a step of the loader leave the attr's target as it is in the blob. It turns the
// two instructions that would write to it into no-ops.
func leaveTarget(loader []byte, step *spec.Step) {
	const cursor, value = 7, 1
	for i := int(step.Start); i < int(step.End); i++ {
		insn := insnAt(string(loader[8*i:8*i+8]), 0)
		if insn.Code == sys.OpStx32 && insn.Regs == regs(cursor, value) && (insn.Off == int16(attachBTFID) || insn.Off == int16(attachFD)) {
			put(loader[8*i:], sys.Insn{Code: sys.OpJa})
		}
	}
}
