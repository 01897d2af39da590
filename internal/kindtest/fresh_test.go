package kindtest

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// The generated packages are up to date.
func TestGeneratedIsUpToDate(t *testing.T) {
	if _, err := exec.LookPath("clang"); err != nil {
		t.Skip("clang is not installed")
	}
	command := t.TempDir() + "/bpf2lskel"
	if out, err := exec.Command("go", "build", "-o", command, "../../cmd/bpf2lskel").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var checks sync.WaitGroup
	turns := make(chan struct{}, 2)
	n := 0
	for line := range strings.Lines(string(source)) {
		args, ok := strings.CutPrefix(strings.TrimSpace(line), "//go:generate go tool bpf2lskel ")
		if !ok {
			continue
		}
		n++
		checks.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			if out, err := exec.Command("sh", "-c", command+" -check "+args).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", args, err, out)
			}
		})
	}
	checks.Wait()
	if n == 0 {
		t.Error("doc.go has no go:generate lines")
	}
}
