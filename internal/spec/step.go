package spec

import "strconv"

// StepName describes a step: "create map counts".
func (s *Spec) StepName(step Step) string {
	switch step.Kind {
	case StepLoadBTF:
		return "load BTF"
	case StepCreateMap:
		return "create map " + s.Maps[step.Index].Name
	case StepCreateInner:
		return "create inner map of " + s.Maps[step.Index].Name
	case StepFillMap:
		return "fill map " + s.Maps[step.Index].Name
	case StepFreezeMap:
		return "freeze map " + s.Maps[step.Index].Name
	case StepSetSlot:
		return "set entry " + strconv.FormatUint(uint64(step.Entry), 10) + " of map " + s.Maps[step.Index].Name
	case StepFindTarget:
		return "find attach target " + s.Targets[step.Index].Name
	case StepFindExtern:
		e := &s.Externs[step.Index]
		return "find " + e.Kind.String() + " " + e.Name
	case StepLoadProgram:
		return "load program " + s.Programs[step.Index].Name
	}
	return "step " + strconv.Itoa(int(step.Kind))
}

// Finds reports whether the step is a look-up, with a 64-bit result.
func (k StepKind) Finds() bool { return k == StepFindTarget || k == StepFindExtern }

func (k ExternKind) String() string {
	switch k {
	case Kfunc:
		return "kfunc"
	case KsymVar:
		return "ksym"
	case KsymAddr:
		return "ksym address"
	}
	return "extern kind " + strconv.Itoa(int(k))
}
