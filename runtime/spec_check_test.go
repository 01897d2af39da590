package runtime

import (
	"encoding/binary"
	"testing"
)

// testSpec has one of everything, and fits together.
func testSpec() *Spec {
	blob := make([]byte, 1024)
	for i, word := range []uint32{496, 0, 504, 1} { // two CORESites
		binary.NativeEndian.PutUint32(blob[432+4*i:], word)
	}
	return &Spec{
		Name: "test", Loader: string(make([]byte, 8*16)), Blob: string(blob), Slots: 32,
		BTF:      BTFSpec{Attr: 128, Slot: 2, Data: 160, Size: 40, Outside: true},
		Maps:     []MapSpec{{Name: "m", Slot: 0, Attr: 200, AttrSize: 44, MaxEntries: 1, ValueSize: 8, Kind: Data, Data: 248, Flags: 1 << 10}},
		Programs: []ProgramSpec{{Name: "p", Slot: 1, Attr: 256, CORERelos: 400, Target: 0, AutoLoad: true}},
		Targets:  []TargetSpec{{Name: "t", Slot: 4}},
		Externs:  []ExternSpec{{Name: "e", Kind: KsymAddr, Slot: 6, Programs: []int32{0}}},
		Steps: []Step{
			{Kind: StepLoadBTF, Result: 2, Attr: 128, End: 2},
			{Kind: StepCreateMap, Result: 0, Attr: 200, Start: 2, End: 4},
			{Kind: StepCreateInner, Result: 3, Attr: 200, Start: 4, End: 5},
			{Kind: StepFillMap, Result: 10, Start: 5, End: 6},
			{Kind: StepFreezeMap, Result: 11, Start: 6, End: 7},
			{Kind: StepSetSlot, Result: 12, Start: 7, End: 8},
			{Kind: StepFindTarget, Result: 4, Start: 8, End: 9},
			{Kind: StepFindExtern, Result: 6, Start: 9, End: 10},
			{Kind: StepLoadProgram, Result: 1, Attr: 256, Start: 10, End: 12},
		},
		Outside: Outside,
		Phases:  []int32{1, 2},
		Parts:   Parts,
		CORE:    CORESpec{Values: 416, ValueCount: 2, Records: 448, RecordCount: 3, Sites: 432, SiteCount: 2},
	}
}

func TestSpecCheck(t *testing.T) {
	if err := testSpec().check(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(s *Spec){
		"no loader":                     func(s *Spec) { s.Loader = "" },
		"loader cut":                    func(s *Spec) { s.Loader = s.Loader[:9] },
		"blob of another object":        func(s *Spec) { s.Blob = s.Blob[:250] },
		"no slots":                      func(s *Spec) { s.Slots = 0 },
		"more slots than blob":          func(s *Spec) { s.Slots = 1 << 30 },
		"map behind the blob":           func(s *Spec) { s.Maps[0].Attr = 1016 },
		"map's attr not aligned":        func(s *Spec) { s.Maps[0].Attr = 201 },
		"data behind the blob":          func(s *Spec) { s.Maps[0].ValueSize = 1 << 31 },
		"slot that is none":             func(s *Spec) { s.Programs[0].Slot = NoSlot },
		"target that is none":           func(s *Spec) { s.Programs[0].Target = 1 },
		"pair not aligned":              func(s *Spec) { s.Targets[0].Slot = 5 },
		"address behind the slots":      func(s *Spec) { s.Externs[0].Slot = 30 },
		"extern of a program not there": func(s *Spec) { s.Externs[0].Programs = []int32{-1} },
		"step of no kind":               func(s *Spec) { s.Steps[0].Kind = 77 },
		"step on nothing":               func(s *Spec) { s.Steps[1].Index = 1 },
		"step behind the loader":        func(s *Spec) { s.Steps[8].End = 17 },
		"step from behind":              func(s *Spec) { s.Steps[8].Start = 13 },
		"phase of no parts":             func(s *Spec) { s.Phases[1] = 0 },
		"CO-RE without a phase":         func(s *Spec) { s.Phases = nil },
		"map that hangs the kernel":     func(s *Spec) { s.Outside, s.BTF.Outside, s.CORE, s.Maps[0].Outside = nil, false, CORESpec{}, true },
		"CO-RE without BTF":             func(s *Spec) { s.BTF.Outside = false },
		"values behind the blob":        func(s *Spec) { s.CORE.Values = 1016 },
		"records behind the blob":       func(s *Spec) { s.CORE.RecordCount = 1 << 31 },
		"sites behind the blob":         func(s *Spec) { s.CORE.SiteCount = 75 },
		"sites of anything":             func(s *Spec) { s.CORE.Sites = 8; s.Blob = "12345678" + "\xff\xff\xff\xff" + s.Blob[12:] },
		"site without a value":          func(s *Spec) { s.CORE.ValueCount = 1 },
		"BTF behind the blob":           func(s *Spec) { s.BTF.Size = 1 << 20 },
	} {
		s := testSpec()
		damage(s)
		if err := s.check(); err == nil {
			t.Errorf("%s: nothing wrong", name)
		}
		if _, err := Load(s, nil); err == nil {
			t.Errorf("%s: it loads", name)
		}
	}
	if n := testing.AllocsPerRun(10, func() { _ = testSpecShared.check() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

var testSpecShared = testSpec()
