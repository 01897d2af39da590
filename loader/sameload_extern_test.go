//vmtest:6.1,6.12,6.18,7.2,7.x

package loader_test

import (
	"os"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// Objects with externs are the same load as libbpf's, if this machine has what they need.
func TestSameLoadOfExterns(t *testing.T) {
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
		if guest.In() && strings.Contains(name, "kmod_many") {
			continue // hundreds of searches through vmlinux's BTF take half a minute under emulation
		}
		paths = append(paths, testobj.Compile(t, name, testobj.Options{}))
	}
	compareAll(t, paths)
}
