// Package impl is for generated code only: the types of what a generated file
// says about its object, and the version that it must match. Nobody else needs it,
// and nothing in it is promised to stay.
package impl

import (
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// Generated files and this module have to fit, and a program in which they do not is
// refused by the compiler. A generated file has
//
//	const (
//		_ = impl.GenerateAgain(1 - impl.Oldest)
//		_ = impl.UpgradeRuntime(impl.Newest - 1)
//	)
//
// with the version of the contract that it was generated for. If one of these is negative, the
// error names what to do: generate the package again with the tool of this module's version, or
// upgrade this module to that of the tool.
type (
	GenerateAgain  uint
	UpgradeRuntime uint
)

// The versions of generated code that this module takes.
const (
	Oldest = spec.ABI
	Newest = spec.ABI
)

// What a generated file says about its object; see package internal/spec.
type (
	Spec          = spec.Spec
	Sums          = spec.Sums
	BTFSpec       = spec.BTFSpec
	CORESpec      = spec.CORESpec
	MapSpec       = spec.MapSpec
	ProgramSpec   = spec.ProgramSpec
	TargetSpec    = spec.TargetSpec
	ExternSpec    = spec.ExternSpec
	InnerSpec     = spec.InnerSpec
	Step          = spec.Step
	SignedSpec    = spec.SignedSpec
	SignedProgram = spec.SignedProgram
)

// Values of the fields of these types that would say nothing as numbers.
const (
	NoSlot = spec.NoSlot

	Data    = spec.Data
	ROData  = spec.ROData
	BSS     = spec.BSS
	Kconfig = spec.Kconfig

	SizeCPUs  = spec.SizeCPUs
	SizePages = spec.SizePages

	Kfunc    = spec.Kfunc
	KsymVar  = spec.KsymVar
	KsymAddr = spec.KsymAddr

	StepLoadBTF     = spec.StepLoadBTF
	StepCreateMap   = spec.StepCreateMap
	StepCreateInner = spec.StepCreateInner
	StepFillMap     = spec.StepFillMap
	StepFreezeMap   = spec.StepFreezeMap
	StepSetSlot     = spec.StepSetSlot
	StepFindTarget  = spec.StepFindTarget
	StepFindExtern  = spec.StepFindExtern
	StepLoadProgram = spec.StepLoadProgram

	SignedForms = spec.SignedForms
)

// Features names the code that an object needs and others do not; see package internal/load.
type Features = load.Features

// UseOutside is for objects with maps, or BTF, that are created before the loader runs.
func UseOutside() load.Outside { return load.UseOutside() }

// UseParts is for loaders that work in parts.
func UseParts() load.Parts { return load.UseParts() }

// UseInner is for objects with maps of maps.
func UseInner() load.Hook { return load.UseInner() }

// UseKconfig is for objects with __kconfig variables. Those whose names begin with CONFIG_ need
// package runtime/impl/gunzip as well.
func UseKconfig() load.Hook { return load.UseKconfig() }

// UseTargets is for objects with programs whose section does not say what they attach to.
func UseTargets(req *load.Request) *spec.Failure { return load.UseTargets(req) }

// UseOddBTF is for objects whose BTF kernels may refuse.
var UseOddBTF = load.UseOddBTF

// UseSigned is for packages that can be signed.
func UseSigned() load.Signed { return load.UseSigned() }

// UsePins is for objects with maps that are pinned by name.
func UsePins(e *load.Engine) *spec.Failure { return load.UsePins(e) }
