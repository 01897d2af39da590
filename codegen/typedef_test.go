package codegen

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

func TestTypeOfATypedef(t *testing.T) {
	for _, test := range []struct {
		types []string
		want  []string // declarations
		not   []string
	}{
		{[]string{"pair_t"}, []string{"type PairT = Pair\n", "type Pair struct {"}, nil},
		{[]string{"pair_again_t"}, []string{"type PairAgainT = Pair\n", "type Pair struct {"}, []string{"type PairT "}},
		{[]string{"struct pair", "pair_t"}, []string{"type PairT = Pair\n", "type Pair struct {"}, nil},
		// Without a tag, C means the typedef; with one the struct.
		{[]string{"point"}, []string{"type Point = Pair\n", "type Pair struct {"}, []string{"X uint64"}},
		{[]string{"struct point"}, []string{"type Point struct {", "X uint64"}, []string{"type Pair "}},
		{[]string{"point", "struct point"}, []string{"type Point = Pair\n", "type PointStruct struct {"}, nil},
		{[]string{"small_t"}, []string{"type SmallT struct {"}, nil},
		{[]string{"small_again_t"}, []string{"type SmallAgainT = SmallT\n", "type SmallT struct {"}, nil},
		{[]string{"named"}, []string{"type Named struct {"}, []string{"type NamedType"}},
		{[]string{"struct named"}, []string{"type Named struct {"}, nil},
		{[]string{"__u64"}, []string{"type U64 uint64\n"}, nil},
	} {
		source := string(generateFor(t, readOwn(t, "typedefs", "bpfel"), Options{Types: test.types}))
		for _, want := range test.want {
			if !strings.Contains(source, want) {
				t.Errorf("%q: no %q", test.types, want)
			}
		}
		for _, not := range test.not {
			if strings.Contains(source, not) {
				t.Errorf("%q: %q", test.types, not)
			}
		}
		if err := typeCheck(t, []byte(source)); err != nil {
			t.Error(err)
		}
	}
}

// A type that only a function's parameter has is in BTF: no variable is needed for it.
func TestARecordThatOnlyCodeUses(t *testing.T) {
	source := string(generateFor(t, readOwn(t, "typedefs", "bpfel"), Options{Records: map[string]string{"events": "event"}}))
	for _, want := range []string{"Events *runtime.RingBuf[Event]", "type Event struct {"} {
		if !strings.Contains(source, want) {
			t.Errorf("no %q", want)
		}
	}
}

// Clang before 15 leaves the upper half of an enum's values out.
func TestEnumsOf64Bits(t *testing.T) {
	for cc, whole := range map[string]bool{"clang-14": false, "clang-16": true, "clang-22": true} {
		obj := readOwnWith(t, cc, "typedefs", "bpfel")
		source := string(generateFor(t, obj, Options{}))
		for _, constant := range []string{"HugeHUGE_TOP ", "HugeHUGE_ALL ", "LowLOW_MIN ", "LowLOW_MAX "} {
			if got := strings.Contains(source, constant); got != whole {
				t.Errorf("%s: there is %s: %v", cc, constant, got)
			}
		}
		if whole {
			for _, want := range []string{"HugeHUGE_TOP Huge = 9223372036854775808\n", "LowLOW_MAX Low = 4294967296\n", "LowLOW_MIN Low = -1\n"} {
				if !strings.Contains(source, want) {
					t.Errorf("%s: no %q", cc, want)
				}
			}
		}
		if got := strings.Contains(source, "clang before 15"); got == whole {
			t.Errorf("%s: the comment says so: %v", cc, got)
		}
		if err := typeCheck(t, []byte(source)); err != nil {
			t.Error(err)
		}
	}
}

func TestBuffersThatNameTheirRecords(t *testing.T) {
	source := string(generateFor(t, readObject(t, "peer/records", "bpfel"), Options{}))
	for _, want := range []string{
		"Ring *runtime.RingBuf[Event]\n", "FromUser *runtime.UserRingBuf[Event]\n", "Samples *runtime.PerfEventArray[SampleT]\n",
		"Bare *runtime.PerfEventArray[[]byte]\n", "Files *runtime.PerfEventArray[[]byte]\n", "Three *runtime.ArrayMap[uint64]\n",
	} {
		if !strings.Contains(source, want) {
			t.Errorf("no %q", want)
		}
	}
	if err := typeCheck(t, []byte(source)); err != nil {
		t.Error(err)
	}
}

// An object without BTF has variables with names and sizes, and no more.
func TestVariablesWithoutBTF(t *testing.T) {
	source := string(generateFor(t, readObject(t, "peer/no_btf", "bpfel"), Options{}))
	for _, want := range []string{"Step [4]uint8", "Total [8]uint8", "Counts *runtime.HashMap[[4]byte, [8]byte]"} {
		if !strings.Contains(source, want) {
			t.Errorf("no %q", want)
		}
	}
	if err := typeCheck(t, []byte(source)); err != nil {
		t.Error(err)
	}
}

func readOwnWith(t *testing.T, cc, name, target string) *object.Object {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".bpf.o")
	args := []string{"-O2", "-g", "-target", target, "-c", filepath.Join("testdata", name+".bpf.c"), "-o", out}
	dirs, _ := filepath.Glob("/usr/include/*-linux-gnu*")
	for _, dir := range dirs {
		args = append(args, "-idirafter", dir)
	}
	if msg, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cc, err, msg)
	}
	return read(t, out)
}
