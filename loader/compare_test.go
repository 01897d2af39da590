//vmtest:all

package loader_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// verdicts counts the outcomes of comparisons.
type verdicts struct{ same, refused, ours, neither int }

func compareAll(t *testing.T, paths []string) {
	var v verdicts
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".bpf.o"), func(t *testing.T) { compare(t, path, &v) })
	}
	t.Logf("%d objects: %d the same load, %d refused alike by the kernel, %d that only we load, %d that libbpf does not know and the kernel refuses",
		len(paths), v.same, v.refused, v.ours, v.neither)
}

func compare(t *testing.T, path string, v *verdicts) {
	ref, refusal, err := sameload.Reference(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := load(t, path)
	if err == nil {
		defer s.Close()
	}
	switch {
	case err == nil && refusal != nil && refusal.Errno == 0:
		v.ours++
		t.Logf("libbpf cannot load it: %v", refusal)
	case err == nil && refusal != nil:
		t.Errorf("the kernel refuses libbpf with %v, but not us: %v", refusal.Errno, refusal)
	case err != nil && refusal == nil:
		t.Errorf("libbpf loads it, but we do not: %+v", err)
	case errors.Is(err, sys.ENOTSUPP):
		// Without a JIT compiler the kernel rejects calls of kfuncs. If libbpf gives up before it
		// asks, there is nothing to compare.
		v.refused++
		t.Logf("libbpf: %v; we: %v", refusal, err)
	case err != nil && refusal.Errno == 0:
		v.neither++
		t.Logf("libbpf does not know it: %v; the kernel: %v", refusal, err)
	case err != nil:
		v.refused++
		if !errors.Is(err, refusal.Errno) {
			t.Errorf("libbpf is refused with %v, we with: %v", refusal.Errno, err)
		}
	default:
		v.same++
		ours := describe(t, s)
		sameload.LikeOldLibbpf(ref, ours, s.Spec())
		if diff := sameload.Diff(ref, ours); diff != "" {
			t.Errorf("the loads differ (-libbpf +ours):\n%s", diff)
		}
	}
}

// load loads an object file into the kernel, without generated code.
func load(t *testing.T, path string) (*runtime.Skeleton, error) {
	obj, err := object.Read(path)
	if err != nil {
		return nil, err
	}
	spec, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		return nil, err
	}
	var opts *runtime.LoadOptions
	if spec.PinsByName() {
		opts = &runtime.LoadOptions{Pins: &runtime.PinOptions{Path: testfs.BPF(t)}}
	}
	return runtime.Load(spec, opts)
}

func describe(t *testing.T, s *runtime.Skeleton) sameload.View {
	t.Helper()
	maps, programs := fdsByName(s)
	view, err := sameload.Describe(maps, programs)
	if err != nil {
		t.Fatal(err)
	}
	return view
}
