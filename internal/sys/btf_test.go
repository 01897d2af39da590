package sys_test

import (
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Flavors are cut off by libbpf's rule.
func TestEssentialName(t *testing.T) {
	for name, want := range map[string]string{
		"bpf_foo":         "bpf_foo",
		"bpf_foo___v2":    "bpf_foo",
		"bpf_foo___v2_3":  "bpf_foo",
		"bpf___foo___bar": "bpf___foo",
		"bpf_foo___":      "bpf_foo___",
		"___v2":           "___v2",
		"bpf_foo____v2":   "bpf_foo____v2",
	} {
		if got := sys.EssentialName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
