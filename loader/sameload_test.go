//vmtest:all

package loader_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/internal/vmtest/guest"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// What we load is what libbpf loads, as the kernel sees it, for all objects
// of testdata; and what the kernel refuses libbpf it refuses us, with the same errno.
func TestSameLoadAsLibbpf(t *testing.T) {
	needBpftool(t)
	var paths []string
	for _, name := range testobj.All(t) {
		paths = append(paths, testobj.Compile(t, name, testobj.Options{}))
	}
	compareAll(t, paths)
}

// The same for objects with externs, as far as this machine has what they need.
func TestSameLoadOfExterns(t *testing.T) {
	needBpftool(t)
	if guest.In() {
		guest.Module(t, conntrack)
		if _, err := os.Stat("/modules/" + ownModule + ".ko"); err == nil {
			for _, m := range []string{ownModule, manyLow, manyHigh} {
				guest.Module(t, m)
			}
		}
	}
	var paths []string
	for _, name := range testobj.Externs(t) {
		paths = append(paths, testobj.Compile(t, name, testobj.Options{}))
	}
	compareAll(t, paths)
}

// The same for objects of others: those of Debian's xdp-tools.
func TestSameLoadOfXDPTools(t *testing.T) {
	if guest.In() {
		guest.NotHere(t, "the guest has no xdp-tools")
	}
	out, err := exec.Command("dpkg", "-L", "xdp-tools", "libxdp1").Output()
	if err != nil {
		t.Fatalf("xdp-tools and libxdp1 have to be installed: %v", err)
	}
	var paths []string
	for _, file := range strings.Fields(string(out)) {
		if filepath.Ext(file) == ".o" {
			paths = append(paths, file)
		}
	}
	if len(paths) < 5 {
		t.Fatalf("found only %d objects in xdp-tools", len(paths))
	}
	compareAll(t, paths)
}

// needBpftool skips a test in guests that have no reference.
func needBpftool(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("bpftool"); err != nil && guest.In() {
		guest.NotHere(t, "there is no bpftool of this architecture to compare with")
	}
}

// verdicts counts what came of the comparisons.
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
	s, err := load(path)
	if err == nil {
		defer s.Close()
	}
	switch {
	case err == nil && refusal != nil && refusal.Errno == 0:
		v.ours++
		t.Logf("libbpf does not load it: %v", refusal)
	case err == nil && refusal != nil:
		t.Errorf("the kernel refuses libbpf with %v, but not us: %v", refusal.Errno, refusal)
	case err != nil && refusal == nil:
		t.Errorf("libbpf loads it, we do not: %+v", err)
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
		if diff := sameload.Diff(ref, describe(t, s)); diff != "" {
			t.Errorf("not the same load (-libbpf +ours):\n%s", diff)
		}
	}
}

// load goes from an object file to the kernel, with no generated code in between.
func load(path string) (*runtime.Skeleton, error) {
	obj, err := object.Read(path)
	if err != nil {
		return nil, err
	}
	spec, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		return nil, err
	}
	return runtime.Load(spec, nil)
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

// A loader has at most 45 % of the instructions of libbpf's.
func TestLoaderIsShorterThanLibbpfs(t *testing.T) {
	if guest.In() {
		guest.NotHere(t, "it is no matter of the kernel")
	}
	const most = 0.45
	n := 0
	for _, name := range testobj.All(t) {
		path := testobj.Compile(t, name, testobj.Options{})
		theirs, err := sameload.LoaderInsns(path)
		if err != nil {
			t.Logf("%-28s libbpf makes no loader: %v", name, err)
			continue
		}
		obj, err := object.Read(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		spec, err := loader.Generate(obj, loader.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n++
		ours := len(spec.Loader) / 8
		ratio := float64(ours) / float64(theirs)
		t.Logf("%-28s %5d of %5d instructions, %.0f %%", name, ours, theirs, 100*ratio)
		if ratio > most {
			t.Errorf("%s: %d instructions are %.0f %% of libbpf's %d, more than %.0f %%", name, ours, 100*ratio, theirs, 100*most)
		}
	}
	t.Logf("compared %d loaders", n)
}
