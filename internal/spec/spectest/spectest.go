// Package spectest has descriptions of objects for tests.
package spectest

import (
	"encoding/binary"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// New returns a Spec that has one of everything, and fits together. Nothing of it can be loaded.
func New() *spec.Spec {
	blob := make([]byte, 1024)
	for i, word := range []uint32{496, 0, 504, 1} { // two CORESites
		binary.NativeEndian.PutUint32(blob[432+4*i:], word)
	}
	return &spec.Spec{
		Name: "test", Loader: string(make([]byte, 8*16)), Blob: string(blob), Slots: 32,
		BTF:      spec.BTFSpec{Attr: 128, Slot: 2, Data: 160, Size: 40, Outside: true},
		Maps:     []spec.MapSpec{{Name: "m", Slot: 0, Attr: 200, AttrSize: 44, MaxEntries: 1, ValueSize: 8, Kind: spec.Data, Data: 248, Flags: 1 << 10}},
		Programs: []spec.ProgramSpec{{Name: "p", Slot: 1, Attr: 256, CORERelos: 400, Target: 0, AutoLoad: true}},
		Targets:  []spec.TargetSpec{{Name: "t", Slot: 4}},
		Externs:  []spec.ExternSpec{{Name: "e", Kind: spec.KsymAddr, Slot: 6, Programs: []int32{0}}},
		Steps: []spec.Step{
			{Kind: spec.StepLoadBTF, Result: 2, Attr: 128, End: 2},
			{Kind: spec.StepCreateMap, Result: 0, Attr: 200, Start: 2, End: 4},
			{Kind: spec.StepCreateInner, Result: 3, Attr: 200, Start: 4, End: 5},
			{Kind: spec.StepFillMap, Result: 10, Start: 5, End: 6},
			{Kind: spec.StepFreezeMap, Result: 11, Start: 6, End: 7},
			{Kind: spec.StepSetSlot, Result: 12, Start: 7, End: 8},
			{Kind: spec.StepFindTarget, Result: 4, Start: 8, End: 9},
			{Kind: spec.StepFindExtern, Result: 6, Start: 9, End: 10},
			{Kind: spec.StepLoadProgram, Result: 1, Attr: 256, Start: 10, End: 12},
		},
		Phases: []int32{1, 2},
		CORE:   spec.CORESpec{Values: 416, ValueCount: 2, Records: 448, RecordCount: 3, Sites: 432, SiteCount: 2},
	}
}
