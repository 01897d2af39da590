package load

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// findKernel finds targets for programs of the object of, in the BTF of the kernel and of its
// modules. The kernel itself looks them up, in a loader that does nothing else: reading all of the
// kernel's BTF would take longer than most loads, and only a loader can access a module's BTF
// without CAP_SYS_ADMIN.
func findKernel(of *spec.Spec, targets []*Target) ([]foundTarget, *spec.Failure) {
	s := finder(of, targets)
	found := make([]foundTarget, len(targets))
	req := Request{Spec: s, Features: unsafe.Pointer(&Features{})}
	req.Externs = func(l *Loaded) []Extern {
		for i := range found {
			at := l.blob.slot(s.Targets[i].Slot)
			f := l.blob.found(s.Targets[i].Slot)
			found[i] = foundTarget{btfID: f.btfID(), fd: int32(f.btfFD())}
			if fd := f.btfFD(); fd > 0 {
				found[i].done = func() { unix.Close(fd) }
			}
			*(*int64)(unsafe.Pointer(at)) = 0 // so that it is not closed
		}
		return nil
	}
	l, failure := Run(&req)
	if failure != nil {
		if failure.Op == spec.OpStep {
			i := s.Steps[failure.Step].Index
			failure.Doing = "find attach target " + s.Targets[i].Name + " of program " + s.Programs[i].Name
		}
		return nil, failure
	}
	l.Release()
	return found, nil
}

// finder describes an object that has only targets. For each of them the loader executes
//
//	r1 = r6
//	r1 += name
//	r2 = size
//	r3 = kind
//	r4 = 0
//	call bpf_btf_find_by_name_kind
//	*(u64 *)(r6 +slot) = r0
func finder(of *spec.Spec, targets []*Target) *spec.Spec {
	const blob, result = 6, 0
	s := &spec.Spec{Name: of.Name, Slots: 2 * len(targets)}
	data := make([]byte, 8*len(targets))
	var insns []byte
	emit := func(code uint8, dst, src uint8, off int16, imm int32) {
		insns = append(insns, make([]byte, 8)...)
		put(insns[len(insns)-8:], sys.Insn{Code: code, Regs: regs(dst, src), Off: off, Imm: imm})
	}
	emit(sys.OpLdImm64, blob, sys.PseudoMapIdxValue, 0, 0)
	emit(0, 0, 0, 0, 0)
	for i := range targets {
		t := targets[i]
		slot := spec.Slot(2 * i)
		s.Targets = append(s.Targets, spec.TargetSpec{Name: t.Name, Kind: t.Kind, Module: t.Module, Slot: slot})
		s.Programs = append(s.Programs, spec.ProgramSpec{Name: of.Programs[t.Program].Name, AutoLoad: true, Target: int32(i)})
		step := spec.Step{Kind: spec.StepFindTarget, Index: int32(i), Result: slot, Start: int32(len(insns) / 8)}
		emit(sys.OpMovReg, 1, blob, 0, 0)
		emit(sys.OpAddImm, 1, 0, 0, int32(len(data)))
		emit(sys.OpMovImm, 2, 0, 0, int32(len(t.Name)+1))
		emit(sys.OpMovImm, 3, 0, 0, int32(t.Kind))
		emit(sys.OpMovImm, 4, 0, 0, 0)
		emit(sys.OpCall, 0, 0, 0, sys.FuncBtfFindByNameKind)
		emit(sys.OpStx64, blob, result, int16(4*slot), 0)
		step.End = int32(len(insns) / 8)
		s.Steps = append(s.Steps, step)
		data = append(data, t.Name...)
		data = append(data, make([]byte, 8-len(data)%8)...)
	}
	emit(sys.OpMovImm, result, 0, 0, 0)
	emit(sys.OpExit, 0, 0, 0, 0)
	s.Loader, s.Blob = string(insns), string(data)
	return s
}
