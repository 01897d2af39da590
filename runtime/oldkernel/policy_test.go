//vmtest:5.10,6.1,6.18,7.x

package oldkernel_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/oldkernel"
)

// isOld reports whether this kernel lacks loader programs.
func isOld() bool { return guest.Key() == "5.10" }

func read(t *testing.T, name string, opts loader.Options) *runtime.Spec {
	t.Helper()
	spec, err := loader.ReadFile(testobj.Compile(t, name, testobj.Options{}), opts)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// The import alone makes objects load on a kernel without loader programs, and changes nothing on
// other kernels.
func TestImportIsEnough(t *testing.T) {
	for _, name := range []string{"minimal", "bench_counter", "bench_execsnoop"} {
		s, err := runtime.Load(read(t, name, loader.Options{}), nil)
		if err != nil {
			t.Errorf("%s: %+v", name, err)
			continue
		}
		if s.Interpreted() != isOld() {
			t.Errorf("%s: interpreted: %v", name, s.Interpreted())
		}
		s.Close()
	}
}

// An object that the kernel refuses gives the same error with and without this package.
func TestRefusedAsBefore(t *testing.T) {
	if isOld() {
		guest.NotHere(t, "it has no loader programs")
	}
	for _, name := range []string{"refused_verifier", "refused_core", "refused_map", "refused_license"} {
		spec := read(t, name, loader.Options{})
		_, without := runtime.Load(spec, &runtime.LoadOptions{Fallback: oldkernel.Never})
		s, with := runtime.Load(spec, nil)
		if without == nil || with == nil || without.Error() != with.Error() {
			t.Errorf("%s: without the package %v, with it %v", name, without, with)
		}
		if s != nil {
			s.Close()
		}
	}
}

// If the load without a loader program fails, its error gives the reason, with the verifier's log
// and without advice about loaders.
func TestInterpreterErrors(t *testing.T) {
	_, err := runtime.Load(read(t, "refused_verifier", loader.Options{}), &runtime.LoadOptions{Fallback: oldkernel.Always})
	var failure *runtime.LoadError
	if !errors.As(err, &failure) || failure.Log == "" || failure.Step < 0 {
		t.Fatalf("%#v", err)
	}
	if strings.Contains(err.Error(), "5.14") || strings.Contains(err.Error(), "5.17") {
		t.Error(err)
	}
}

// Errors name the kernel version that introduced a missing feature.
func TestErrorsNameKernelVersions(t *testing.T) {
	for name, want := range map[string]string{
		"core_many": "BPF_PROG_TYPE_SYSCALL needs Linux 5.14", "storage_task": "needs Linux 5.11", "storage_cgroup": "needs Linux 6.2",
	} {
		s, err := runtime.Load(read(t, name, loader.Options{}), nil)
		if err == nil {
			s.Close()
		}
		if isOld() && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// A load that requires a signature never continues without one.
func TestSignatureIsRequired(t *testing.T) {
	for _, signed := range []bool{true, false} {
		spec := read(t, "bench_counter", loader.Options{Signed: signed})
		for _, fallback := range []runtime.Fallback{nil, oldkernel.Always} {
			s, err := runtime.Load(spec, &runtime.LoadOptions{RequireSignature: true, Fallback: fallback})
			if err == nil {
				s.Close()
				t.Errorf("signed %v: the load succeeded", signed)
			}
		}
	}
}

// A load that does not require a signature succeeds and reports that nothing was verified.
func TestUnverifiedIsReported(t *testing.T) {
	s, err := runtime.Load(read(t, "bench_counter", loader.Options{Signed: true}), &runtime.LoadOptions{Fallback: oldkernel.Always})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if sig := s.Signature(); sig.Verified || sig.Reason == "" {
		t.Errorf("%+v", sig)
	}
}

// Load options also apply without a loader program: omitted programs, sizes, initial values, inner
// maps.
func TestOptionsApply(t *testing.T) {
	s, err := runtime.Open(read(t, "bench_agent", loader.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range s.Spec().Programs {
		s.Program(i).SetAutoLoad(i == 0)
	}
	for i, m := range s.Spec().Maps {
		if m.Type == sys.MapTypeHash {
			s.Map(i).SetMaxEntries(m.MaxEntries / 2)
		}
	}
	if err := s.Load(&runtime.LoadOptions{Fallback: oldkernel.Always}); err != nil {
		t.Fatalf("%+v", err)
	}
	for i := range s.Spec().Programs {
		if loaded := s.Program(i).FD() >= 0; loaded != (i == 0) {
			t.Errorf("program %d is loaded: %v", i, loaded)
		}
	}
	for i, m := range s.Spec().Maps {
		if m.Type != sys.MapTypeHash {
			continue
		}
		info, err := s.Map(i).Info()
		if err != nil || info.MaxEntries != m.MaxEntries/2 {
			t.Errorf("map %s has %d entries, %v", m.Name, info.MaxEntries, err)
		}
	}
}

// A load without enough file descriptors returns that error and leaves nothing open.
func TestOutOfFiles(t *testing.T) {
	spec := read(t, "bench_execsnoop", loader.Options{})
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	free := func() int {
		t.Helper()
		n, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(n)
		return n
	}
	failed := 0
	for more := 1; more < 30; more += 3 {
		before := free()
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(before + more), Max: old.Max}); err != nil {
			t.Fatal(err)
		}
		s, err := runtime.Load(spec, &runtime.LoadOptions{Fallback: oldkernel.Always})
		if err == nil {
			s.Close()
			continue
		}
		failed++
		if !errors.Is(err, unix.EMFILE) {
			t.Errorf("%d files more: %v", more, err)
		}
		if after := free(); after != before {
			t.Errorf("%d more files: %d are open, %d before", more, after, before)
		}
	}
	if failed == 0 {
		t.Error("no load ran out of files")
	}
}

// Concurrent loads are independent, of the same Spec and different ones, with and without loader
// programs.
func TestConcurrentLoads(t *testing.T) {
	specs := []*runtime.Spec{read(t, "bench_execsnoop", loader.Options{}), read(t, "bench_counter", loader.Options{})}
	var g sync.WaitGroup
	for i := range 8 {
		g.Go(func() {
			opts := &runtime.LoadOptions{Fallback: oldkernel.Always}
			if i%4 == 3 {
				opts = nil
			}
			s, err := runtime.Load(specs[i%2], opts)
			if err != nil {
				t.Error(err)
				return
			}
			if s.Interpreted() != (opts != nil || isOld()) {
				t.Errorf("interpreted: %v", s.Interpreted())
			}
			s.Close()
			if err := s.Load(opts); !errors.Is(err, os.ErrClosed) {
				t.Errorf("a load after Close: %v", err)
			}
		})
	}
	g.Wait()
}
