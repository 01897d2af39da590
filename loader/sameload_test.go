package loader_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// For all objects in testdata, our load is the same as libbpf's, as the kernel sees it, and the
// kernel refuses both with the same errno.
func TestSameLoadAsLibbpf(t *testing.T) {
	var paths []string
	for _, name := range testobj.All(t) {
		paths = append(paths, testobj.Compile(t, name, testobj.Options{}))
	}
	compareAll(t, paths)
}

// The same holds for the objects of Debian's xdp-tools.
func TestSameLoadOfXDPTools(t *testing.T) {
	out, err := exec.Command("dpkg", "-L", "xdp-tools", "libxdp1").Output()
	if err != nil {
		t.Fatalf("xdp-tools and libxdp1 must be installed: %v", err)
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

// A loader has at most 45 % as many instructions as libbpf's.
func TestLoaderIsShorterThanLibbpfs(t *testing.T) {
	const most = 0.45
	n := 0
	for _, name := range testobj.All(t) {
		path := testobj.Compile(t, name, testobj.Options{})
		theirs, err := sameload.LoaderInsns(path)
		if err != nil {
			t.Logf("%-28s libbpf generates no loader: %v", name, err)
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
