package preflight

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/innermaps"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/probes"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	skel "github.com/bpf2lskel/bpf2lskel/runtime"
)

// A generated file is read like the compiler reads it.
func TestPackage(t *testing.T) {
	type skeleton interface{ Core() *skel.Skeleton }
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

// Of an object compiled for several targets only this machine's is read.
func TestPackageTargets(t *testing.T) {
	from, dir := filepath.Join("..", "kindtest", "probes"), t.TempDir()
	order := "bpfel"
	if bigEndian {
		order = "bpfeb"
	}
	for _, arch := range []string{runtime.GOARCH, "loong64"} {
		for _, ext := range []string{".go", ".blob", ".loader"} {
			text, err := os.ReadFile(filepath.Join(from, "probes_"+order+ext))
			if err != nil {
				t.Fatal(err)
			}
			if ext == ".go" {
				text = regexp.MustCompile(`(?m)^//go:build .*$`).ReplaceAll(text, []byte("//go:build "+arch))
			}
			if arch != runtime.GOARCH && ext == ".blob" {
				text = nil // nobody reads it
			}
			if err := os.WriteFile(filepath.Join(dir, "probes_"+arch+"_"+order+ext), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	read, err := Package(dir)
	if err != nil || len(read) != 1 {
		t.Errorf("%d read: %v", len(read), err)
	}
}

func TestPackageErrors(t *testing.T) {
	if _, err := Package(t.TempDir()); err == nil {
		t.Error("an empty directory was read as a package")
	}
	if _, err := Package(filepath.Join("testdata", "none")); err == nil {
		t.Error("a missing directory was read as a package")
	}
}
