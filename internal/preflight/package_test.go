package preflight

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/innermaps"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/probes"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// A generated file is read like the compiler reads it.
func TestPackage(t *testing.T) {
	type skeleton interface{ Core() *runtime.Skeleton }
	for name, open := range map[string]func() (skeleton, error){
		"probes":    func() (skeleton, error) { return probes.Open() },
		"innermaps": func() (skeleton, error) { return innermaps.Open() },
	} {
		s, err := open()
		if err != nil {
			t.Fatal(err)
		}
		read, err := Package(filepath.Join("..", "kindtest", name))
		if err != nil || len(read) != 1 {
			t.Fatal(read, err)
		}
		if diff := cmp.Diff(s.Core().Spec(), read[0], cmp.Comparer(func(a, b spec.NoCompare) bool { return true })); diff != "" {
			t.Errorf("%s (-compiler +read):\n%s", name, diff)
		}
	}
}

func TestPackageErrors(t *testing.T) {
	if _, err := Package(t.TempDir()); err == nil {
		t.Error("an empty folder was read as a package")
	}
	if _, err := Package(filepath.Join("testdata", "none")); err == nil {
		t.Error("a missing folder was read as a package")
	}
}
