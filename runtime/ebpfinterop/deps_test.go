package ebpfinterop_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Package runtime, which generated code needs, does not depend on cilium/ebpf.
func TestRuntimeIsAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/bpf2lskel/bpf2lskel/runtime").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if strings.Contains(dep, ".") && dep != "golang.org/x/sys/unix" && !strings.HasPrefix(dep, "vendor/") &&
			!strings.HasPrefix(dep, "github.com/bpf2lskel/bpf2lskel/") {
			t.Errorf("runtime imports %s", dep)
		}
	}
}
