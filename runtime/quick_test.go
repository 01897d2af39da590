//vmtest:all

package runtime_test

import (
	goruntime "runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Objects whose loaders are cut into parts, and those of them whose loaders resolve CO-RE.
var (
	inParts    = []string{"big_60", "big_100", "bench_memory", "bench_agent", "core_shared", "core_repeated"}
	sharesCORE = []string{"bench_agent", "core_shared", "core_repeated"}
)

// A quick attempt, by several threads, one by a single thread, and a plain one make the same maps
// and programs.
func TestQuickAndPlain(t *testing.T) {
	for _, name := range inParts {
		t.Run(name, func(t *testing.T) {
			spec := compiled(t, name)
			if spec.Phases == nil {
				t.Fatal("not in parts")
			}
			if shares := spec.CORE.ValueCount > 0; shares != slices.Contains(sharesCORE, name) {
				t.Fatalf("the loader resolves CO-RE: %v", shares)
			}
			before := settledCensus(t)
			plain := viewOf(t, spec, false)
			for _, threads := range []int{1, 2, 4} {
				old := goruntime.GOMAXPROCS(threads)
				quick := viewOf(t, spec, true)
				goruntime.GOMAXPROCS(old)
				if diff := sameload.Diff(plain, quick); diff != "" {
					t.Errorf("%d threads (-plain +quick):\n%s", threads, diff)
				}
			}
			wantCensus(t, before, "after quick and plain loads")
		})
	}
}

// viewOf loads an object by one attempt, and says what came to be.
func viewOf(t *testing.T, spec *runtime.Spec, quick bool) sameload.View {
	t.Helper()
	s, err := runtime.LoadOnce(spec, quick)
	if err != nil {
		t.Fatalf("quick %v: %+v", quick, err)
	}
	defer s.Close()
	maps, programs := map[string]int{}, map[string]int{}
	for i := range spec.Maps {
		maps[spec.Maps[i].Name] = s.Map(i).FD()
	}
	for i := range spec.Programs {
		programs[spec.Programs[i].Name] = s.Program(i).FD()
	}
	view, err := sameload.Describe(maps, programs)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// What the kernel does not have is named, although it was the loader that looked for it.
func TestSharedRelocationIsNamed(t *testing.T) {
	spec := compiled(t, "refused_core")
	if spec.CORE.ValueCount == 0 {
		t.Fatal("the loader does not resolve CO-RE")
	}
	before := settledCensus(t)
	err := loadDirectly(spec)
	wantError(t, err, unix.EINVAL, "load program gone", "this kernel has no field removed_long_ago of struct task_struct")
	wantCensus(t, before, "after the failure")
}

// The capabilities that are asked of the calling thread are enough.
func TestQuickNeedsNoMore(t *testing.T) {
	if err := asThread(t, compiled(t, "core_shared"), keepCaps(unix.CAP_BPF, unix.CAP_PERFMON)); err != nil {
		t.Errorf("%+v", err)
	}
}
