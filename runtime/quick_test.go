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

// Objects whose loaders have several parts, and among them the ones whose loaders resolve CO-RE.
var (
	inParts    = []string{"big_60", "big_100", "bench_memory", "bench_agent", "core_shared", "core_repeated"}
	sharesCORE = []string{"bench_agent", "core_shared", "core_repeated"}
)

// Quick attempts, on several threads or one, and a plain attempt create the same maps and programs.
func TestQuickAndPlain(t *testing.T) {
	for _, name := range inParts {
		t.Run(name, func(t *testing.T) {
			spec := compiled(t, name)
			if spec.Phases == nil {
				t.Fatal("the loader has no parts")
			}
			if shares := spec.CORE.ValueCount > 0; shares != slices.Contains(sharesCORE, name) {
				t.Fatalf("loader resolves CO-RE: %v", shares)
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

// viewOf loads an object in one attempt and returns the kernel's view of the result.
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

// A field or type that the kernel lacks is named in the error, also if the loader looked it up.
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

// Quick attempts need only the capabilities of the calling thread.
func TestQuickCapabilities(t *testing.T) {
	if err := asThread(t, compiled(t, "core_shared"), keepCaps(unix.CAP_BPF, unix.CAP_PERFMON)); err != nil {
		t.Errorf("%+v", err)
	}
}
