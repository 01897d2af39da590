package load

import (
	"runtime"
	"slices"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// This file is the second engine, for kernels that cannot run loader programs. It interprets the
// same loader in the process, so everything patched into the blob or the loader for the first
// engine applies here too. Only package runtime/oldkernel refers to it, so no other binary contains
// it.

// Kernel provides to an interpreted loader what helpers provide to one that runs in the kernel.
type Kernel interface {
	// BPF is bpf_sys_bpf. The attr and everything it refers to belong to the loader, and must not
	// be written to.
	BPF(cmd sys.Cmd, attr unsafe.Pointer, size uintptr) (int, unix.Errno)
	// FindBTF is bpf_btf_find_by_name_kind. The caller closes fd, which is 0 for vmlinux.
	FindBTF(name string, kind uint8) (id uint32, fd int, errno unix.Errno)
	// FindSymbol is bpf_kallsyms_lookup_name.
	FindSymbol(name string) (address uint64, errno unix.Errno)
}

// Interpret carries out a request without a loader program, as [Run] does with one. A failed
// Interpret releases everything. Signatures are not verified.
func Interpret(req *Request, kernel Kernel) (*Loaded, *spec.Failure) {
	e := &engine{Loaded: Loaded{spec: req.Spec, Interpreted: true}, req: *req}
	var failure *spec.Failure
	for range maxAttempts { // another process may have pinned a map in the meantime
		if failure = e.interpret(kernel); failure == nil {
			return &e.Loaded, nil
		}
		if !interrupted(failure) {
			break
		}
	}
	if req.features().OddBTF != nil && failure.StepKind() == spec.StepLoadBTF && failure.Errno == unix.EINVAL && canDropBTF(req.Spec) {
		without := *req
		without.Spec = dropBTF(req.Spec)
		if loaded, again := Interpret(&without, kernel); again == nil {
			return loaded, nil
		}
	}
	return nil, failure
}

func (e *engine) interpret(kernel Kernel) *spec.Failure {
	if e.req.RequireSignature {
		failure := e.fail(spec.OpVerify, unix.EOPNOTSUPP)
		failure.Reason = "the kernel can only verify a loader program that it runs"
		return failure
	}
	if e.spec.Signed != nil {
		if failure := e.req.features().Signed().changed(&e.req); failure != nil {
			return failure
		}
		e.Signature = &Verdict{Form: spec.NoSignedForm, Keyring: NoKeyring, Reason: "the kernel did not run a loader program"}
	}
	release, err := holdStdFDs()
	if err != nil {
		return e.fail(spec.OpHoldFDs, err)
	}
	defer release()
	done, failure := e.interpretTargets(kernel)
	if failure != nil {
		return failure
	}
	defer done()
	extra := uint32(0)
	if e.req.Longer != nil {
		extra = e.req.features().Room().extra(&e.req)
	}
	cpu, errno := newInterpreter(e.spec, extra, kernel)
	if errno != 0 {
		return e.fail(spec.OpMapBlob, errno)
	}
	e.blob = &cpu.blobMap
	if err := e.patch(); err != nil {
		e.blob.close()
		return e.fail(spec.OpPatch, err)
	}
	if e.req.features().Reuse != nil {
		failure = e.req.features().Reuse(e)
	}
	skip := slices.Clone(e.req.Skip)
	if failure == nil {
		failure = e.interpretOutside(cpu, &skip)
	}
	if failure == nil {
		loader := e.without(e.spec.Loader, skip)
		if extra > 0 {
			loader = e.req.features().Room().make(e, loader)
		}
		failure = e.interpretParts(cpu, loader)
	}
	if failure == nil {
		failure = e.check()
	}
	if failure != nil {
		e.interpretAgain(cpu, failure)
	}
	e.verified = true // investigate has nothing left to find
	return e.settle(failure)
}

// interpretTargets finds the request's attach targets, as chooseTargets does with a separate
// loader. The targets must exist until done is called.
func (e *engine) interpretTargets(kernel Kernel) (done func(), failure *spec.Failure) {
	targets := targetsOf(&e.req)
	found := make([]foundTarget, len(targets))
	done = func() {
		for i := range found {
			found[i].release()
		}
	}
	for i, t := range targets {
		if t.Open != nil {
			var of []foundTarget
			of, failure = e.findTargets(targets[i : i+1])
			found[i] = of[0]
		} else {
			found[i], failure = e.findBy(kernel, t)
		}
		if failure != nil {
			done()
			return nil, failure
		}
	}
	if len(targets) > 0 {
		failure = e.setTargets(targets, found)
	}
	e.req.Targets = nil
	if failure == nil && e.req.findTargets() != nil {
		_, failure = e.chooseTargets() // finds nothing more, but refuses programs that lack a target
	}
	if failure != nil {
		done()
		return nil, failure
	}
	return done, nil
}

// findBy finds a target in the BTF of the kernel or of a module.
func (e *engine) findBy(kernel Kernel, t *Target) (foundTarget, *spec.Failure) {
	id, fd, errno := kernel.FindBTF(t.Name, t.Kind)
	if errno != 0 {
		failure := e.fail(spec.OpPatch, errno)
		failure.Doing = "find attach target " + t.Name + " of program " + e.spec.Programs[t.Program].Name
		return foundTarget{}, failure
	}
	found := foundTarget{btfID: id, fd: int32(fd)}
	if fd > 0 {
		found.done = func() { unix.Close(fd) }
	}
	return found, nil
}

// InterpretCloner prepares a program to be loaded again, as [NewCloner] does with a loader program.
// The Cloner makes all its system calls through kernel, one at a time.
func InterpretCloner(s *spec.Spec, features unsafe.Pointer, maps []int, program int32, kernel Kernel) (*Cloner, *spec.Failure) {
	return newCloner(s, features, program, func(t *Cloner) *spec.Failure {
		t.system = kernel
		e := &t.e
		cpu, errno := newInterpreter(e.spec, 0, kernel)
		if errno != 0 {
			return e.fail(spec.OpMapBlob, errno)
		}
		e.blob = &cpu.blobMap
		return t.runLoader(maps, func() *spec.Failure {
			skip := slices.Clone(e.req.Skip)
			if failure := e.interpretOutside(cpu, &skip); failure != nil {
				return failure
			}
			if failure := e.interpretParts(cpu, e.without(e.spec.Loader, skip)); failure != nil {
				return failure
			}
			attr, size, insns := e.programAgain(t.step)
			attr.InsnCnt = e.spec.Programs[program].Insns
			if size > 0 && insns == nil && cpu.checkAttr(sys.CmdProgLoad, unsafe.Slice((*byte)(unsafe.Pointer(&attr)), size)) != 0 {
				return e.failStep(t.step, unix.EFAULT)
			}
			return nil
		})
	})
}

// interpretParts runs the loader, part by part if it has several. The first failure ends the load.
// CO-RE is left to the programs' own records, not resolved by the loader.
func (e *engine) interpretParts(cpu *interpreter, loader string) *spec.Failure {
	parts := int32(1)
	if e.spec.Phases != nil {
		parts = 0
		for _, n := range e.spec.Phases {
			parts += n
		}
	}
	var failure *spec.Failure
	failed := func() bool {
		failure = e.check()
		return failure != nil
	}
	for part := range parts {
		if errno := cpu.run(loader, uint32(part), failed); errno != 0 {
			return e.fail(spec.OpRunLoader, errno)
		}
		if failure != nil {
			return failure
		}
	}
	return nil
}

// interpretOutside runs the steps that the loader must not: loading the object's BTF if it is
// outside, and creating arenas, which must be mapped before a program is loaded. It adds to skip
// the steps that the loader must not repeat.
func (e *engine) interpretOutside(cpu *interpreter, skip *[]int) *spec.Failure {
	hasArena := func(step spec.Step) bool {
		return step.Kind == spec.StepCreateMap && e.spec.Maps[step.Index].Type == sys.MapTypeArena
	}
	if !e.spec.BTF.Outside && !slices.ContainsFunc(e.spec.Steps, hasArena) {
		return nil
	}
	for i, step := range e.spec.Steps {
		var cmd sys.Cmd
		var size uintptr
		if slices.Contains(*skip, i) {
			continue
		}
		switch {
		case step.Kind == spec.StepLoadBTF:
			attr := (*sys.BtfLoadAttr)(e.blob.at(step.Attr))
			attr.Btf = sys.Addr(e.blob.at(e.spec.BTF.Data))
			cmd, size = sys.CmdBtfLoad, unsafe.Offsetof(attr.BtfLogLevel)+4
		case hasArena(step):
			attr := (*sys.MapCreateAttr)(e.blob.at(step.Attr))
			size = uintptr(e.spec.Maps[step.Index].AttrSize)
			if size > unsafe.Offsetof(attr.BtfFd) && attr.BtfKeyTypeId|attr.BtfValueTypeId != 0 {
				attr.BtfFd = uint32(*e.blob.slot(e.spec.BTF.Slot))
			}
			cmd = sys.CmdMapCreate
		default:
			continue
		}
		num, errno := cpu.kernel.BPF(cmd, e.blob.at(step.Attr), size)
		if errno != 0 {
			return e.failStep(i, errno)
		}
		*e.blob.slot(step.Result) = int32(num)
		if step.Start < step.End {
			*skip = append(*skip, i)
		}
		if cmd == sys.CmdMapCreate {
			if err := e.mapArena(int(step.Index)); err != nil {
				f := e.fail(spec.OpMapData, err)
				f.Map = int(step.Index)
				return f
			}
		}
	}
	return nil
}

// interpretAgain repeats the failed step to get the verifier's log.
func (e *engine) interpretAgain(cpu *interpreter, f *spec.Failure) {
	if f.Errno == unix.EMFILE || f.Errno == unix.EFAULT || f.Err == nil {
		return
	}
	switch f.StepKind() {
	case spec.StepLoadBTF:
		f.Log, _ = withLog(func(l *logBuffer) (int, unix.Errno) {
			attr := *(*sys.BtfLoadAttr)(e.blob.at(e.spec.BTF.Attr))
			attr.Btf = sys.Addr(e.blob.at(e.spec.BTF.Data))
			attr.BtfLogLevel, attr.BtfLogSize, attr.BtfLogBuf = 1, min(l.size(), btfLogMax), l.addr()
			return cpu.kernel.BPF(sys.CmdBtfLoad, unsafe.Pointer(&attr), unsafe.Offsetof(attr.BtfLogLevel)+4)
		})
	case spec.StepLoadProgram:
		f.Log, _ = withLog(func(l *logBuffer) (int, unix.Errno) {
			attr, size, insns := e.programAgain(f.Step)
			if size == 0 {
				return -1, unix.EINVAL
			}
			attr.LogLevel, attr.LogSize, attr.LogBuf = 1, l.size(), l.addr()
			num, errno := cpu.kernel.BPF(sys.CmdProgLoad, unsafe.Pointer(&attr), max(size, unsafe.Offsetof(attr.LogBuf)+8))
			runtime.KeepAlive(insns)
			return num, errno
		})
	}
}

// WantedProgram returns the Wanted that loads a program, for other packages.
func WantedProgram(program int32) Wanted { return Wanted{Program: program, Load: true} }

// NoKconfig returns the Hook for requests that are not about this machine: __kconfig variables keep
// the object's values.
func NoKconfig() Hook { return Hook{patch: func(*engine) error { return nil }} }
