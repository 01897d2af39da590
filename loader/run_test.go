//vmtest:all

package loader_test

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// All objects in testdata load, and their programs do what the comment at the head of the source
// claims: BPF_PROG_TEST_RUN gives the return value and the values of global variables.
//
// Kernels differ. What this kernel refuses, it must refuse from libbpf with the same errno. A claim
// that does not hold must not hold for libbpf's load either.
func TestProgramsDoWhatTheirSourcesClaim(t *testing.T) {
	loaded, claims := 0, 0
	for _, name := range testobj.All(t) {
		t.Run(name, func(t *testing.T) {
			path := testobj.Compile(t, name, testobj.Options{})
			s, err := load(t, path)
			if err != nil {
				refusedAlike(t, path, err)
				return
			}
			defer s.Close()
			loaded++
			claims += len(testobj.Runs(t, name))
			maps, programs := fdsByName(s)
			wrong := complaints(t, name, path, maps, programs)
			if len(wrong) == 0 {
				return
			}
			ref, err := sameload.Load(t.Context(), path)
			if err != nil {
				t.Fatalf("%q, without a reference: %v", wrong, err)
			}
			defer ref.Close()
			if theirs := complaints(t, name, path, ref.Maps, ref.Programs); !slices.Equal(wrong, theirs) {
				t.Errorf("%q, but after a load by libbpf: %q", wrong, theirs)
			} else {
				t.Logf("on this kernel the claims do not hold: %q", wrong)
			}
		})
	}
	t.Logf("%d objects are loaded, %d claims hold", loaded, claims)
}

// refusedAlike checks that the kernel refuses libbpf's load, too.
func refusedAlike(t *testing.T, path string, err error) {
	t.Helper()
	if strings.Contains(err.Error(), "find attach target") && errors.Is(err, unix.ENOENT) && goruntime.GOARCH != "amd64" {
		t.Logf("refused: %v", err) // the sources attach to amd64 functions
		return
	}
	_, refusal, refErr := sameload.Reference(t.Context(), path)
	switch {
	case refErr != nil:
		t.Fatalf("refused, without a reference: %v; %v", refErr, err)
	case refusal == nil:
		t.Errorf("libbpf loads it, but we do not: %+v", err)
	case refusal.Errno != 0 && !errors.Is(err, refusal.Errno):
		t.Errorf("libbpf is refused with %v, we with: %v", refusal.Errno, err)
	default:
		t.Logf("refused: %v", err)
	}
}

// complaints returns the claims about an object that do not hold after a load.
func complaints(t *testing.T, name, path string, maps, programs map[string]int) []string {
	t.Helper()
	r := &recorder{TB: t}
	testobj.CheckRuns(r, name, path, maps, programs)
	return r.errors
}

// recorder collects errors instead of failing the test.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// fdsByName returns the maps and programs that a load created.
func fdsByName(s *runtime.Skeleton) (maps, programs map[string]int) {
	maps, programs = make(map[string]int), make(map[string]int)
	for i := range s.Spec().Maps {
		if m := s.Map(i); m.FD() >= 0 {
			maps[m.Name()] = m.FD()
		}
	}
	for i := range s.Spec().Programs {
		if p := s.Program(i); p.FD() >= 0 {
			programs[p.Name()] = p.FD()
		}
	}
	return maps, programs
}
