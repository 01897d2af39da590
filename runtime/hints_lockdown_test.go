//vmtest:6.12-lockdown

package runtime_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

func TestHintLockdown(t *testing.T) {
	guest.Only(t)
	testfs.At(t, "securityfs", "/sys/kernel/security")
	p := calling(113)
	p.Type = sys.ProgTypeTracepoint
	wantError(t, loadDirectly(generate(t, oneProgram(p))), unix.EINVAL,
		"the kernel is locked down (confidentiality), which disables bpf_probe_read_kernel")
	// Everything else works.
	if err := loadDirectly(generate(t, oneMap(array))); err != nil {
		t.Errorf("%+v", err)
	}
}
