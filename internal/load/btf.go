package load

import (
	"slices"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// UseOddBTF is for objects with BTF that the kernel may reject, for example because of a name that
// contains a $. If the kernel rejects it, the load continues without BTF, as in libbpf
// (bpf_object__sanitize_and_load_btf), unless CO-RE records, maps or programs need it. UseOddBTF
// returns the first failure if the load without BTF fails too.
func UseOddBTF(e *engine, failure *spec.Failure) *spec.Failure {
	if failure.StepKind() != spec.StepLoadBTF || failure.Errno != unix.EINVAL || !canDropBTF(e.spec) {
		return failure
	}
	before := e.spec
	e.spec = dropBTF(before)
	for range maxAttempts {
		again := e.attempt()
		if again == nil {
			return nil
		}
		if !interrupted(again) {
			break
		}
	}
	e.spec = before
	return failure
}

// canDropBTF reports whether the Spec may be changed and only maps and programs refer to the BTF.
func canDropBTF(s *spec.Spec) bool {
	relocates := func(p spec.ProgramSpec) bool { return p.CORERelos != 0 }
	return s.Signed == nil && !s.BTF.Outside && s.StructOps == 0 && !slices.ContainsFunc(s.Programs, relocates)
}

// dropBTF returns a copy of the Spec in which nothing refers to the BTF.
func dropBTF(s *spec.Spec) *spec.Spec {
	c := Change(s)
	c.loader = []byte(s.Loader)
	const (
		key, value = unsafe.Offsetof(sys.MapCreateAttr{}.BtfKeyTypeId), unsafe.Offsetof(sys.MapCreateAttr{}.BtfValueTypeId)
		funcs      = unsafe.Offsetof(sys.ProgLoadAttr{}.FuncInfoCnt)
		lines      = unsafe.Offsetof(sys.ProgLoadAttr{}.LineInfoCnt)
	)
	drop := func(step *spec.Step, fields ...uintptr) {
		for _, field := range fields {
			if uint32(field)+4 <= attrSizeOf(s, step) {
				c.setWord(step.Attr+spec.BlobOff(field), 0)
			}
		}
	}
	c.spec.Steps = nil
	for i := range s.Steps {
		step := &s.Steps[i]
		switch step.Kind {
		case spec.StepLoadBTF:
			for insn := step.Start; insn < step.End; insn++ {
				put(c.loader[8*insn:], sys.Insn{Code: sys.OpJa})
			}
			continue
		case spec.StepCreateMap, spec.StepCreateInner:
			drop(step, key, value)
		case spec.StepLoadProgram:
			drop(step, funcs, lines)
		}
		c.spec.Steps = append(c.spec.Steps, *step)
	}
	c.spec.BTF.Attr = 0
	return c.Spec()
}
