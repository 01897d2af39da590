//vmtest:all

package loader_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
)

// externCase describes what an object in testdata/extern needs, and what happens without it.
type externCase struct {
	object  string
	modules []string
	// weak means that the object also loads without its modules.
	weak bool
	// since is the first Linux version with the strong symbols, major and minor.
	since sys.Version
	// missing is the strong symbol that an error must name if the kernel or the modules lack it.
	missing string
	// data is set for objects that use kernel variables, which requires CONFIG_KALLSYMS_ALL.
	data bool
}

const (
	conntrack = "nf_conntrack"
	ownModule = "bpf2lskel_kmod"
	manyLow   = "many_kfuncs_low"
	manyHigh  = "many_kfuncs_high"
)

var externCases = []externCase{
	{object: "bench_kfunc", since: sys.Version{6, 2}, missing: "bpf_task_from_pid"},
	{object: "conntrack", modules: []string{conntrack}, missing: "bpf_xdp_ct_lookup"},
	{object: "conntrack_weak", modules: []string{conntrack}, weak: true},
	{object: "kfunc_address", since: sys.Version{6, 2}, missing: "bpf_"},
	{object: "kfunc_places", since: sys.Version{6, 2}, missing: "bpf_cast_to_kern_ctx"},
	{object: "kfunc_task", since: sys.Version{6, 2}, missing: "bpf_task_acquire"},
	{object: "kfunc_vmlinux", since: sys.Version{6, 2}, missing: "bpf_"},
	{object: "kfunc_weak", weak: true},
	{object: "kmod_200_maps", modules: []string{ownModule}, missing: "bpf_kmod_add"},
	{object: "kmod_many_256", modules: []string{manyLow, manyHigh}, missing: "bpf_kmod_many_"},
	{object: "kmod_many_300", modules: []string{manyLow, manyHigh}, missing: "bpf_kmod_many_"},
	{object: "kmod_strong", modules: []string{ownModule}, missing: "bpf_kmod_"},
	{object: "kmod_var", modules: []string{ownModule}, weak: true},
	{object: "kmod_weak", modules: []string{ownModule}, weak: true},
	{object: "ksym_typed", data: true},
	{object: "ksym_typeless"},
	{object: "ksym_weak", data: true},
	{object: "mixed", modules: []string{ownModule}, weak: true},
	{object: "weak_missing", weak: true},
}

// Externs of every kind are found, and programs compute the right results with them.
func TestExterns(t *testing.T) {
	for _, c := range externCases {
		t.Run(c.object, func(t *testing.T) {
			if c.data && !hasKernelData(t) {
				if guest.In() {
					t.Fatal("this kernel's kallsyms have no variables")
				}
				// Then BPF_PROG_LOAD fails with ENOENT, with libbpf too: see TestSameLoadOfExterns.
				return
			}
			for _, m := range c.modules {
				if guest.In() || !c.weak {
					guest.Module(t, m)
				}
			}
			path := testobj.Compile(t, "extern/"+c.object, testobj.Options{})
			before := openFDs(t)
			s, err := load(t, path)
			if sys.KernelVersion().Before(c.since) {
				checkMissing(t, err, c.missing)
				return
			}
			needJIT(t, err)
			if err != nil {
				t.Fatalf("%+v", err)
			}
			spec := s.Spec()
			if got, want := openFDs(t), before+len(spec.Maps)+len(spec.Programs); got != want {
				t.Errorf("%d fds are open after the load, want %d for its maps and programs and those before", got, want)
			}
			maps, programs := fdsByName(s)
			testobj.CheckRuns(t, "extern/"+c.object, path, maps, programs)
			s.Close()
			if got := openFDs(t); got != before {
				t.Errorf("%d fds are open after Close, %d were before the load", got, before)
			}
			// guest.Module removes the modules when the test ends, which would fail if a fd of
			// their BTF was left.
		})
	}
}

// Without the module, a strong extern is an error that names it, and a weak one is not an error.
func TestExternsWithoutModules(t *testing.T) {
	for _, c := range externCases {
		if len(c.modules) == 0 || guest.In() && strings.HasPrefix(c.object, "kmod_many") {
			continue
		}
		t.Run(c.object, func(t *testing.T) {
			for _, m := range c.modules {
				if guest.Loaded(m) {
					if guest.In() {
						t.Fatalf("module %s is loaded", m)
					}
					return // cannot be unloaded on this machine
				}
			}
			path := testobj.Compile(t, "extern/"+c.object, testobj.Options{})
			before := openFDs(t)
			s, err := load(t, path)
			needJIT(t, err)
			if !c.weak {
				checkMissing(t, err, c.missing)
			} else if err != nil {
				t.Fatalf("%+v", err)
			} else {
				maps, programs := fdsByName(s)
				testobj.CheckRuns(t, "extern/"+c.object, path, maps, programs)
				s.Close()
			}
			if got := openFDs(t); got != before {
				t.Errorf("%d fds are open afterwards, %d were before the load", got, before)
			}
		})
	}
}

// Symbols that no kernel has: the error names them, and everything that was created is freed.
func TestMissingExterns(t *testing.T) {
	for name, symbol := range map[string]string{
		"missing_func":      "bpf2lskel_no_such_func",
		"missing_in_second": "bpf2lskel_no_such_func",
		"missing_symbol":    "bpf2lskel_no_such_symbol",
		"missing_var":       "bpf2lskel_no_such_var",
	} {
		t.Run(name, func(t *testing.T) {
			before := openFDs(t)
			_, err := load(t, testobj.Compile(t, "extern/"+name, testobj.Options{}))
			checkMissing(t, err, symbol)
			if got := openFDs(t); got != before {
				t.Errorf("%d fds are open after the failure, %d were before", got, before)
			}
		})
	}
}

// Too many kfuncs in a program give the kernel's error, with an explanation.
func TestTooManyKfuncs(t *testing.T) {
	guest.Module(t, manyLow)
	guest.Module(t, manyHigh)
	_, err := load(t, testobj.Compile(t, "extern/kmod_many_257", testobj.Options{}))
	if !errors.Is(err, unix.E2BIG) || !strings.Contains(fmt.Sprint(err), "256") {
		t.Errorf("error %v, want E2BIG and the limit", err)
	}
}

// A kfunc that three programs call in five places is looked up once.
func TestOneLookupPerKfunc(t *testing.T) {
	obj, err := object.Read(testobj.Compile(t, "extern/kfunc_places", testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lookups := 0
	for _, step := range spec.Steps {
		if step.Kind == impl.StepFindExtern {
			lookups++
		}
	}
	if lookups != 1 || len(spec.Externs) != 1 || len(spec.Externs[0].Programs) != 3 || spec.Externs[0].Uses < 5 {
		t.Errorf("%d lookups, externs %+v: want one that three programs use in five places", lookups, spec.Externs)
	}
}

// A load can report where each extern was found.
func TestExternsAreReported(t *testing.T) {
	guest.Module(t, ownModule)
	s := loadWith(t, "extern/mixed", &runtime.LoadOptions{Externs: runtime.ReadExterns})
	want := map[string]string{"bpf_kmod_add": ownModule, "bpf2lskel_no_such_func": "not found"}
	for _, e := range s.Externs() {
		where := e.Module
		if !e.Found {
			where = "not found"
		}
		if w, ok := want[e.Spec.Name]; ok && w != where {
			t.Errorf("%s: %q, want %q", e.Spec.Name, where, w)
		}
		if e.Found && e.Spec.Kind != impl.KsymAddr && e.BTFID == 0 {
			t.Errorf("%s was found without a BTF ID", e.Spec.Name)
		}
		delete(want, e.Spec.Name)
	}
	if len(want) > 0 {
		t.Errorf("not reported: %v", want)
	}
}

func loadWith(t *testing.T, name string, opts *runtime.LoadOptions) *runtime.Skeleton {
	t.Helper()
	obj, err := object.Read(testobj.Compile(t, name, testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := runtime.Load(spec, opts)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// needJIT skips a test on a kernel that rejects calls of kfuncs: "JIT is required for calling
// kernel function".
func needJIT(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, sys.ENOTSUPP) {
		guest.NotHere(t, "%v", err)
	}
}

func checkMissing(t *testing.T, err error, symbol string) {
	t.Helper()
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(fmt.Sprint(err), symbol) {
		t.Errorf("error %v, want ENOENT and the name %s", err, symbol)
	}
}

func openFDs(t *testing.T) int {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

// hasKernelData reports whether kallsyms includes variables.
func hasKernelData(t *testing.T) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), " runqueues\n")
}
