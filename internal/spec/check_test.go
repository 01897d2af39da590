package spec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/spec/spectest"
)

func check(s *spec.Spec) error {
	if err := s.Check(); err != nil {
		return err
	}
	return s.CheckParts()
}

func TestCheck(t *testing.T) {
	if err := check(spectest.New()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		damage     func(s *spec.Spec)
	}{
		{"no loader", "the loader: it is not a sequence", func(s *spec.Spec) { s.Loader = "" }},
		{"loader cut", "the loader: it is not a sequence", func(s *spec.Spec) { s.Loader = s.Loader[:9] }},
		{"blob of another object", "not in the blob", func(s *spec.Spec) { s.Blob = s.Blob[:250] }},
		{"no slots", "the blob: it has no room", func(s *spec.Spec) { s.Slots = 0 }},
		{"more slots than blob", "the blob: it has no room", func(s *spec.Spec) { s.Slots = 1 << 30 }},
		{"map behind the blob", "map 0: its attr", func(s *spec.Spec) { s.Maps[0].Attr = 1016 }},
		{"map's attr not aligned", "map 0: its attr", func(s *spec.Spec) { s.Maps[0].Attr = 201 }},
		{"data behind the blob", "map 0: its data", func(s *spec.Spec) { s.Maps[0].ValueSize = 1 << 31 }},
		{"slot that is none", "program 0: its slot", func(s *spec.Spec) { s.Programs[0].Slot = spec.NoSlot }},
		{"target that is none", "program 0: an index", func(s *spec.Spec) { s.Programs[0].Target = 1 }},
		{"pair not aligned", "attach target 0: its slot", func(s *spec.Spec) { s.Targets[0].Slot = 5 }},
		{"address behind the slots", "extern 0: its slot", func(s *spec.Spec) { s.Externs[0].Slot = 30 }},
		{"extern of a program not there", "extern 0: an index", func(s *spec.Spec) { s.Externs[0].Programs = []int32{-1} }},
		{"step of no kind", "step 0: it is of an unknown kind", func(s *spec.Spec) { s.Steps[0].Kind = 77 }},
		{"step on nothing", "step 1: an index", func(s *spec.Spec) { s.Steps[1].Index = 1 }},
		{"step behind the loader", "step 8: its instructions", func(s *spec.Spec) { s.Steps[8].End = 17 }},
		{"step from behind", "step 8: its instructions", func(s *spec.Spec) { s.Steps[8].Start = 13 }},
		{"phase of no parts", "phase 1: it has more parts", func(s *spec.Spec) { s.Phases[1] = 0 }},
		{"CO-RE without a phase", "phases: there are none", func(s *spec.Spec) { s.Phases = nil }},
		{"CO-RE without BTF", "CO-RE: the loader cannot", func(s *spec.Spec) { s.BTF.Outside = false }},
		{"values behind the blob", "CO-RE: its values", func(s *spec.Spec) { s.CORE.Values = 1016 }},
		{"records behind the blob", "CO-RE: its records", func(s *spec.Spec) { s.CORE.RecordCount = 1 << 31 }},
		{"sites behind the blob", "CO-RE: its sites", func(s *spec.Spec) { s.CORE.SiteCount = 75 }},
		{"sites of anything", "CO-RE: a site", func(s *spec.Spec) { s.CORE.Sites = 8; s.Blob = "12345678" + "\xff\xff\xff\xff" + s.Blob[12:] }},
		{"site without a value", "CO-RE: a site", func(s *spec.Spec) { s.CORE.ValueCount = 1 }},
		{"BTF behind the blob", "BTF: its data", func(s *spec.Spec) { s.BTF.Size = 1 << 20 }},
	} {
		s := spectest.New()
		tt.damage(s)
		err := check(s)
		var damaged spec.DamagedError
		if !errors.As(err, &damaged) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if !strings.Contains(string(damaged), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { _ = check(shared) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

var shared = spectest.New()

// A .blob or .loader file of a different version than the Go file is named.
func TestMixedFiles(t *testing.T) {
	s := spectest.New()
	s.Sums = spec.Sums{Blob: spec.Sum(s.Blob), Loader: spec.Sum(s.Loader)}
	if err := check(s); err != nil {
		t.Fatal(err)
	}
	for part, mix := range map[string]func(s *spec.Spec){
		"the .blob file":   func(s *spec.Spec) { s.Blob = s.Blob[:1000] + "\x01" + s.Blob[1001:] },
		"the .loader file": func(s *spec.Spec) { s.Loader += "\x00\x00\x00\x00\x00\x00\x00\x00" },
	} {
		mixed := *s
		mix(&mixed)
		var damaged spec.DamagedError
		if err := check(&mixed); !errors.As(err, &damaged) || !strings.HasPrefix(string(damaged), part+": ") {
			t.Errorf("%s: %v", part, err)
		}
	}
}

// The sum changes if words differ, are swapped, or are missing.
func TestSum(t *testing.T) {
	seen := map[uint64]string{}
	for _, data := range []string{"", "\x00", "\x00\x00", "abcdefgh", "abcdefgi", "ibcdefgh", "abcdefghabcdefgi", "abcdefgiabcdefgh", "abcdefgh\x00"} {
		sum := spec.Sum(data)
		if other, ok := seen[sum]; ok {
			t.Errorf("%q and %q have the same sum", data, other)
		}
		seen[sum] = data
	}
}
