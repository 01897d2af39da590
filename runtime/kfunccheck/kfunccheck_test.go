//vmtest:6.1,6.12,6.18,7.x

package kfunccheck_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/kfunccheck"
)

var compared = &runtime.LoadOptions{Kfuncs: kfunccheck.Compare}

// A plain load accepts a wrong prototype; a load with the check names the difference.
func TestWrongPrototypes(t *testing.T) {
	for _, tt := range []struct{ object, module, function, want string }{
		{"vmlinux_argument", "", "bpf_rdonly_cast", "argument 2 (btf_id__k) is __u32 * in the source, u32 in vmlinux"},
		{"module_argument", "nf_conntrack", "bpf_xdp_ct_lookup", "argument 3 (tuple__sz) is void * in the source, u32 in module nf_conntrack"},
	} {
		t.Run(tt.object, func(t *testing.T) {
			have(t, tt.module)
			checkRuns(t, "prototype/"+tt.object, nil)
			_, err := load(t, "prototype/"+tt.object, compared)
			var failure *runtime.LoadError
			var mismatch *kfunccheck.MismatchError
			if !errors.As(err, &failure) || !errors.As(err, &mismatch) {
				t.Fatalf("got %v", err)
			}
			if want := "compare kernel functions: kernel function " + tt.function + ": " + tt.want; !strings.Contains(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// Right prototypes pass, including those whose struct the source only declares.
func TestRightPrototypes(t *testing.T) {
	for object, module := range map[string]string{
		"extern/kfunc_vmlinux": "", "extern/kfunc_address": "", "extern/kfunc_places": "", "extern/conntrack": "nf_conntrack",
	} {
		t.Run(object, func(t *testing.T) {
			have(t, module)
			checkRuns(t, object, compared)
		})
	}
	// All of these are weak, or not functions.
	for _, object := range []string{"extern/kfunc_weak", "extern/weak_missing", "extern/ksym_typeless", "globals"} {
		t.Run(object, func(t *testing.T) { checkRuns(t, object, compared) })
	}
}

// A weak function whose prototype the kernel does not have counts as missing, as with libbpf.
func TestFlavors(t *testing.T) {
	have(t, "")
	if sys.KernelVersion().Before(sys.Version{6, 4}) {
		_, err := load(t, "prototype/flavors", compared)
		if mismatch := (*kfunccheck.MismatchError)(nil); !errors.As(err, &mismatch) || !mismatch.Weak {
			t.Errorf("got %v", err)
		}
		return
	}
	checkRuns(t, "prototype/flavors", compared)
}

// A missing function is left to the load, which has hints for it.
func TestMissing(t *testing.T) {
	_, err := load(t, "extern/missing_func", compared)
	var failure *runtime.LoadError
	if !errors.As(err, &failure) || failure.Op != "find kfunc bpf2lskel_no_such_func" {
		t.Errorf("got %v", err)
	}
}

// A signed package is checked too, but cannot be changed.
func TestSignedPackages(t *testing.T) {
	have(t, "")
	s, err := runtime.Load(generate(t, "extern/kfunc_vmlinux", loader.Options{Signed: true}), compared)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	s.Close()
	_, err = runtime.Load(generate(t, "prototype/flavors", loader.Options{Signed: true}), compared)
	if mismatch := (*kfunccheck.MismatchError)(nil); !errors.As(err, &mismatch) || !mismatch.Weak {
		t.Errorf("got %v", err)
	}
}

// have inserts a module, or skips the test if vmlinux lacks the functions that these objects use.
func have(t *testing.T, module string) {
	t.Helper()
	if module != "" {
		guest.Module(t, module)
	} else if sys.KernelVersion().Before(sys.Version{6, 2}) {
		guest.NotHere(t, "bpf_rdonly_cast came with Linux 6.2")
	}
}

func generate(t *testing.T, name string, opts loader.Options) *runtime.Spec {
	t.Helper()
	obj, err := object.Read(testobj.Compile(t, name, testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := loader.Generate(obj, opts)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func load(t *testing.T, name string, opts *runtime.LoadOptions) (*runtime.Skeleton, error) {
	t.Helper()
	s, err := runtime.Load(generate(t, name, loader.Options{}), opts)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

// checkRuns loads an object and checks that its programs do what the source claims.
func checkRuns(t *testing.T, name string, opts *runtime.LoadOptions) {
	t.Helper()
	s, err := load(t, name, opts)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	maps, programs := map[string]int{}, map[string]int{}
	for i := range s.Spec().Maps {
		maps[s.Map(i).Name()] = s.Map(i).FD()
	}
	for i := range s.Spec().Programs {
		programs[s.Program(i).Name()] = s.Program(i).FD()
	}
	testobj.CheckRuns(t, name, testobj.Compile(t, name, testobj.Options{}), maps, programs)
}
