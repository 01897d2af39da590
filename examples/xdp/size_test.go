package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The example's static, stripped binary has at most 55 % of the size of the same program built with
// bpf2go and cilium/ebpf.
func TestSizeOfBinary(t *testing.T) {
	ours := sizeOfBinary(t, "github.com/bpf2lskel/bpf2lskel/examples/xdp")
	theirs := sizeOfBinary(t, "github.com/bpf2lskel/bpf2lskel/examples/bpf2go/before")
	percent := 100 * float64(ours) / float64(theirs)
	t.Logf("bpf2lskel %d bytes, bpf2go and cilium/ebpf %d bytes: %.1f %%", ours, theirs, percent)
	if percent > 55 {
		t.Errorf("%.2f %%, want at most 55 %%: `go tool nm -size -sort size` on an unstripped binary lists what takes the room", percent)
	}
}

func sizeOfBinary(t *testing.T, pkg string) int64 {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "bin")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", pkg, err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// The example depends on neither cilium/ebpf nor a netlink package.
func TestDependencies(t *testing.T) {
	for _, dep := range deps(t, "github.com/bpf2lskel/bpf2lskel/examples/xdp") {
		if strings.Contains(dep, "cilium/") || strings.Contains(dep, "netlink") {
			t.Errorf("the example imports %s", dep)
		}
	}
}

func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", pkg).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}
