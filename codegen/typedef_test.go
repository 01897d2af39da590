package codegen

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

func TestTypedef(t *testing.T) {
	for _, test := range []struct {
		types []string
		want  []string // declarations
		not   []string
	}{
		{[]string{"pair_t"}, []string{"type PairT = Pair\n", "type Pair struct {"}, nil},
		{[]string{"pair_again_t"}, []string{"type PairAgainT = Pair\n", "type Pair struct {"}, []string{"type PairT "}},
		{[]string{"struct pair", "pair_t"}, []string{"type PairT = Pair\n", "type Pair struct {"}, nil},
		// In C, a name without a tag is the typedef, with a tag the struct.
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

// A type that only a function's parameter uses is in BTF. It does not take a variable.
func TestTypeUsedOnlyByCode(t *testing.T) {
	source := string(generateFor(t, readOwn(t, "typedefs", "bpfel"), Options{Records: map[string]string{"events": "event"}}))
	for _, want := range []string{"Events *runtime.RingBuf[Event]", "type Event struct {"} {
		if !strings.Contains(source, want) {
			t.Errorf("no %q", want)
		}
	}
}

// Clang before 15 omits the upper half of 64-bit enum values.
func Test64BitEnums(t *testing.T) {
	for cc, whole := range map[string]bool{"clang-14": false, "clang-16": true, "clang-22": true} {
		obj := readOwnWith(t, cc, "typedefs", "bpfel")
		source := string(generateFor(t, obj, Options{}))
		for _, constant := range []string{"HugeHUGE_TOP ", "HugeHUGE_ALL ", "LowLOW_MIN ", "LowLOW_MAX "} {
			if got := strings.Contains(source, constant); got != whole {
				t.Errorf("%s: has %s: %v", cc, constant, got)
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
			t.Errorf("%s: has the comment: %v", cc, got)
		}
		if err := typeCheck(t, []byte(source)); err != nil {
			t.Error(err)
		}
	}
}

func TestRecordTypesOfBuffers(t *testing.T) {
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

// Variables of an object without BTF have names and sizes only.
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
