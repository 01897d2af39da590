package runtime

import (
	"encoding/binary"
	"reflect"
	"testing"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// testSpec has one of everything, and fits together.
func testSpec() *Spec {
	blob := make([]byte, 1024)
	for i, word := range []uint32{512, 0, 520, 1} { // two CORESites
		binary.NativeEndian.PutUint32(blob[640+4*i:], word)
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
		Phases: []int32{1, 2},
		Parts:  Parts,
		CORE:   CORESpec{Values: 608, ValueCount: 2, Records: 704, RecordCount: 3, Sites: 640, SiteCount: 2},
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
		"CO-RE without BTF":             func(s *Spec) { s.BTF.Outside = false },
		"values behind the blob":        func(s *Spec) { s.CORE.Values = 1016 },
		"records behind the blob":       func(s *Spec) { s.CORE.RecordCount = 1 << 31 },
		"sites behind the blob":         func(s *Spec) { s.CORE.SiteCount = 49 },
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

// FuzzSpec sets numbers of a Spec, and reads it in all the ways that a load does, without a kernel:
// each byte triple of changes is a number in the Spec and what it becomes; words are what the loader left in the slots.
func FuzzSpec(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte{3, 0, 200, 7, 1, 0}, []byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, changes, words []byte) {
		spec := testSpec()
		var numbers []reflect.Value
		collectNumbers(reflect.ValueOf(spec).Elem(), &numbers)
		for ; len(changes) >= 3; changes = changes[3:] {
			n := numbers[int(changes[0])%len(numbers)]
			v := int64(int16(binary.LittleEndian.Uint16(changes[1:])))
			if n.CanInt() {
				n.SetInt(v)
			} else {
				n.SetUint(uint64(v))
			}
		}
		if spec.check() != nil {
			return
		}
		l := loading{Skeleton: newSkeleton(spec), spec: spec, opts: &LoadOptions{}, logStep: -1}
		mem := make([]uint64, (len(spec.Blob)+7)/8)
		l.loaderMap = &loaderMap{mem: unsafe.Slice((*byte)(unsafe.Pointer(&mem[0])), len(spec.Blob))}
		copy(l.mem, spec.Blob)
		copy(l.mem, words[:min(len(words), 4*spec.Slots)])
		l.quick = true
		_ = l.patch()
		if l.sharesCORE() {
			l.leaveToLoader()
			l.loaderCORE(&sys.ProgLoadAttr{})
			l.applyCORE()
		}
		for i, step := range spec.Steps {
			_, _, _ = spec.StepName(step), l.mayFail(step), l.errno(step)
			l.noteMissing(step)
			l.log = make([]byte, 64)
			l.logStep = i
			l.patchLog()
			fail := &failure{l.failStep(i, 22), &l, &machine{hasModule: func(string) bool { return false }}}
			fail.Log = "0: (85) call unknown#195896080\ninvalid func unknown#195896080\n"
			fail.findReason()
			_ = fail.hint()
		}
		_ = l.without([]int{0, len(spec.Steps) - 1})
		_ = l.check()
		_ = spec.files()
	})
}

// collectNumbers lists the numbers of a Spec that a damaged one may have wrong.
func collectNumbers(v reflect.Value, out *[]reflect.Value) {
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			collectNumbers(v.Field(i), out)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			collectNumbers(v.Index(i), out)
		}
	case v.CanInt() || v.CanUint():
		*out = append(*out, v)
	}
}
