// Package impl is for generated code only. It has the types that a generated file uses to describe
// its object, and the version that the file must match. Its API may change at any time.
package impl

import (
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// A program whose generated files do not fit this module does not compile. A generated file has
//
//	const (
//		_ = impl.GenerateAgain(1 - impl.Oldest)
//		_ = impl.UpgradeRuntime(impl.Newest - 1)
//	)
//
// with the version of the contract that it was generated for. If one of these values is negative,
// the name in the compiler's error says what to do: generate the package again with this module's
// version of the tool, or upgrade this module to the tool's version.
type (
	GenerateAgain  uint
	UpgradeRuntime uint
)

// Versions of generated code that this module supports.
const (
	Oldest = spec.ABI
	Newest = spec.ABI
)

// Types that describe an object; see package internal/spec.
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

// Values of fields of these types.
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

// Features selects the code that an object needs, so that the rest is not linked; see package
// internal/load.
type Features = load.Features

// UseOutside is for objects with maps, or BTF, that are created before the loader runs.
func UseOutside() load.Outside { return load.UseOutside() }

// UseParts is for loaders that run in several parts.
func UseParts() load.Parts { return load.UseParts() }

// UseInner is for objects with maps of maps.
func UseInner() load.Hook { return load.UseInner() }

// UseKconfig is for objects with __kconfig variables. Those whose names begin with CONFIG_ need
// package runtime/impl/gunzip as well.
func UseKconfig() load.Hook { return load.UseKconfig() }

// UseTargets is for objects with programs whose sections do not name a target.
func UseTargets(req *load.Request) *spec.Failure { return load.UseTargets(req) }

// UseOddBTF is for objects whose BTF some kernels refuse.
var UseOddBTF = load.UseOddBTF

// UseSigned is for packages that can be signed.
func UseSigned() load.Signed { return load.UseSigned() }

// UsePins is for objects with maps that are pinned by name.
func UsePins(e *load.Engine) *spec.Failure { return load.UsePins(e) }
