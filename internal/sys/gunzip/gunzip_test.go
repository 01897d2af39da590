package gunzip

import (
	"os/exec"
	"strings"
	"testing"
)

// Only packages that need a decompressor import it: an imported one is in every binary.
func TestImporters(t *testing.T) {
	const module = "github.com/bpf2lskel/bpf2lskel/"
	for _, c := range []struct {
		pkg  string
		want bool
	}{
		{"runtime", false},
		{"runtime/impl", false},
		{"examples/xdp", false},
		{"internal/kindtest/kconfig", true},
		{"loader", true},
	} {
		out, err := exec.Command("go", "list", "-deps", module+c.pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), "compress/gzip\n"); got != c.want {
			t.Errorf("%s imports compress/gzip: %v, want %v", c.pkg, got, c.want)
		}
	}
}
