//vmtest:6.12-lockdown

package runtime_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/vmtest/guest"
)

func TestHintLockdown(t *testing.T) {
	guest.Only(t)
	const file = "/sys/kernel/security/lockdown"
	if _, err := os.Stat(file); err != nil {
		if err := unix.Mount("security", "/sys/kernel/security", "securityfs", 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	p := calling(113)
	p.Type = unix.BPF_PROG_TYPE_TRACEPOINT
	wantError(t, loadDirectly(generate(t, oneProgram(p))), unix.EINVAL,
		"the kernel is locked down (confidentiality), which takes bpf_probe_read_kernel away")
	// All else works.
	if err := loadDirectly(generate(t, oneMap(array))); err != nil {
		t.Errorf("%+v", err)
	}
}
