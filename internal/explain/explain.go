// Package explain explains why a load failed. It takes a [spec.Failure] from internal/load, with
// the kernel's error and the verifier's log, inspects the machine, and sets the reason and the
// hint. internal/load and package runtime call it only after a failure, so a load that succeeds
// pays nothing for it.
//
// - reason.go: the meaning of the error, from the object and the log
// - hints.go, permission.go: what to do about it; docs/errors.md is generated from them
// - since.go: features and the versions of Linux that added them
// - operations.go: hints for operations after the load: attaching and pinning
//   - log.go: the decisive line of a verifier's log
//
// - machine.go: facts about the kernel and the calling thread
// - relocation.go, btf.go: descriptions of CO-RE records, from the object's own BTF
package explain

import (
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Explain sets f.Reason and f.Hint if the cause is known, and annotates numbers in f.Log. It does
// nothing if f has a hint. It reads files of /proc and /sys, and should be called on the thread of
// the load, since permissions may differ between threads.
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

// failure is a failure to explain, with the object concerned looked up in the Spec. At most one of
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

// newMap describes the map that could not be created: one of the object's, or the template for its
// inner maps.
type newMap struct {
	_ [0][]byte // prevents generated comparison code

	isInner                                       bool
	isData                                        bool   // it is global variables
	inSource                                      uint32 // max_entries in the source
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
	case spec.StepCreateInner: // only its attr describes it: the first fields of sys.MapCreateAttr
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
