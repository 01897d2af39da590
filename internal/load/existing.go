package load

import (
	"errors"
	"slices"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Existing is a map that a load uses instead of creating one. It belongs to another object, or was
// pinned.
type Existing struct {
	_ incomparable

	Map int32 // index in Spec.Maps
	FD  int   // remains the caller's
}

// Reuse is the code for maps that exist before the load.
//
// A duplicate of the map's file descriptor is in its slot before the loader runs, a new one for
// each attempt, and the loader's steps for the map are skipped. Everything else, including programs
// and maps of maps, finds the map there as if the loader had created it. Reuse is called once in
// each attempt, before the loader is loaded. (It is a function because a separate type would add
// half a KB to each binary, and so would methods of an engine, whose names are part of the type.)
type Reuse = func(*engine) *spec.Failure

// Engine is a load in progress.
type Engine = engine

// UseReuse is the code for maps that exist before the load.
func UseReuse(e *Engine) *spec.Failure { return beginReuse(e) }

// AddExisting sets maps that loads of the skeleton with these features use instead of creating
// them. If there are several for one map, the last one counts.
func AddExisting(f *Features, maps []Existing) {
	inner := f.Reuse
	if inner == nil {
		inner = UseReuse
	}
	f.Reuse = func(e *engine) *spec.Failure {
		if failure := takeExisting(e, maps); failure != nil {
			return failure
		}
		return inner(e)
	}
}

// errChanged is the error for an initial value that would be lost.
var errChanged = errors.New("its initial value was changed, but the map already exists with a value")

// Reusable returns an error if maps of a type can be used only by the load that has created them.
func Reusable(mapType uint32) error {
	switch mapType {
	case sys.MapTypeArena: // addresses in it are those of the process that has mapped it first
		return errors.New("an arena cannot be reused: its addresses are only valid in the process that created it")
	case sys.MapTypeStructOps:
		return errors.New("struct_ops cannot be reused: it belongs to the programs that it was loaded with")
	}
	return nil
}

// beginReuse discards the existing maps of an earlier attempt.
func beginReuse(e *engine) *spec.Failure {
	if e.reuses == e.blob {
		return nil // this attempt has begun already
	}
	if e.reuses == nil {
		e.asked = int32(len(e.req.Skip))
	}
	e.reuses, e.finish = e.blob, nil
	e.req.Skip = e.req.Skip[:e.asked:e.asked]
	for i := range e.req.Areas {
		e.req.Areas[i].Count &^= existingArea
	}
	return nil
}

// takeExisting puts maps that exist into their slots.
func takeExisting(e *engine, maps []Existing) *spec.Failure {
	beginReuse(e)
	for _, x := range maps {
		if isReused(e, x.Map) {
			continue
		}
		info, errno := sys.MapInfoOf(x.FD)
		if errno != 0 {
			return failReuse(e, x.Map, errno)
		}
		if err := Compatible(e.spec, int(x.Map), &info); err != nil {
			return failReuse(e, x.Map, err)
		}
		if failure := give(e, x.Map, x.FD, &info); failure != nil {
			return failure
		}
	}
	return nil
}

// isReused reports whether the load uses an existing map instead of creating this one.
func isReused(e *engine, i int32) bool {
	for j := range e.spec.Steps {
		if step := &e.spec.Steps[j]; step.Kind == spec.StepCreateMap && step.Index == i {
			return slices.Contains(e.req.Skip, j)
		}
	}
	return true // it is left out
}

// give puts a map into its slot, and skips the loader's steps for it. It keeps the steps that set
// the entries of a program array, since the object's programs are new.
func give(e *engine, i int32, fd int, info *sys.MapInfo) *spec.Failure {
	m := &e.spec.Maps[i]
	if err := Reusable(m.Type); err != nil {
		return failReuse(e, i, err)
	}
	for j := range e.req.Areas {
		if a := &e.req.Areas[j]; a.Map == i {
			if a.changed(e.spec) {
				return failReuse(e, i, errChanged)
			}
			a.Count |= existingArea
		}
	}
	num, err := sys.Dup(fd)
	if err != nil {
		return failReuse(e, i, err)
	}
	*e.blob.slot(m.Slot) = int32(num)
	e.Entries = append(slices.Clip(e.Entries), Entries{Map: i, MaxEntries: info.MaxEntries})
	for j := range e.spec.Steps {
		step := &e.spec.Steps[j]
		if step.Index != i {
			continue
		}
		switch step.Kind {
		case spec.StepSetSlot:
			if m.Type == sys.MapTypeProgArray {
				continue
			}
		case spec.StepCreateMap, spec.StepFillMap, spec.StepFreezeMap:
		default:
			continue
		}
		e.req.Skip = append(e.req.Skip, j)
	}
	return nil
}

func failReuse(e *engine, i int32, err error) *spec.Failure {
	f := e.fail(spec.OpReuse, err)
	f.Map = int(i)
	return f
}
