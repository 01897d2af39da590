// Package explain says why a load failed. It gets a [spec.Failure] as it comes from internal/load,
// with the kernel's answer and the verifier's log, looks at the machine, and fills in the reason
// and the hint in words. internal/load and package runtime call it, and only after a failure: a
// load that succeeds pays nothing for it.
//
//   - reason.go: what the answer means, from the object and the log
//   - hints.go, permission.go: what to do about it; docs/errors.md is made from them
//   - since.go: which version of Linux brought what
//   - operations.go: hints for what is done after the load: attaching and pinning
//   - log.go: the decisive line of a verifier's log
//   - machine.go: what can be said about the kernel and about the calling thread
//   - relocation.go, btf.go: what a CO-RE record is about, from the object's own BTF
package explain

import (
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Explain fills in f.Reason and f.Hint, as far as the causes are known, and notes in f.Log what a
// number in it stands for. It does nothing if f has a hint already. It reads files of /proc and
// /sys, and should be called on the thread that made the load: threads may differ in what they are
// permitted to do.
func Explain(f *spec.Failure) {
	if f.Hint != "" {
		return
	}
	x := newFailure(f, thisMachine())
	if f.Reason == "" {
		x.findReason()
	}
	f.Hint = x.hint()
}

// failure is a failure to be explained, with what it is about looked up in the Spec. At most one of
// the pointers is set.
type failure struct {
	*spec.Failure
	machine machine

	newMap  *newMap           // the map that could not be created
	program *spec.ProgramSpec // the program that could not be loaded
	target  *spec.TargetSpec  // the attach target that was not found
	extern  *spec.ExternSpec  // the extern that was not found
	area    *spec.MapSpec     // the map whose contents could not be mapped
}

// newMap is a map as it was to be created: one of the object's, or the template of its inner maps.
type newMap struct {
	_ [0][]byte // the compiler writes no comparison for it

	isInner                                       bool
	isData                                        bool   // it is global variables
	inSource                                      uint32 // max_entries there
	typ, keySize, valueSize, maxEntries, mapFlags uint32
}

func newFailure(f *spec.Failure, m machine) *failure {
	x := &failure{Failure: f, machine: m}
	s := f.Spec
	if f.Op == spec.OpMapData {
		x.area = &s.Maps[f.Map]
	}
	if f.Op != spec.OpStep {
		return x
	}
	switch step := &s.Steps[f.Step]; step.Kind {
	case spec.StepCreateMap:
		m := &s.Maps[step.Index]
		x.newMap = &newMap{
			isData: m.Kind != spec.NoData, inSource: m.MaxEntries,
			typ: m.Type, keySize: m.KeySize, valueSize: m.ValueSize, maxEntries: f.MaxEntries, mapFlags: m.Flags,
		}
	case spec.StepCreateInner: // which only its attr describes; the first fields of sys.MapCreateAttr
		x.newMap = &newMap{
			isInner: true,
			typ:     word(s, step.Attr), keySize: word(s, step.Attr+4), valueSize: word(s, step.Attr+8),
			maxEntries: word(s, step.Attr+12), mapFlags: word(s, step.Attr+16),
		}
	case spec.StepLoadProgram:
		x.program = &s.Programs[step.Index]
	case spec.StepFindTarget:
		x.target = &s.Targets[step.Index]
	case spec.StepFindExtern:
		x.extern = &s.Externs[step.Index]
	}
	return x
}

// isBefore reports whether the kernel is older than a version of Linux.
func (f *failure) isBefore(major, minor int) bool {
	return f.machine.linux.Before(sys.Version{major, minor})
}
