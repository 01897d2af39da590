//vmtest:6.18,7.2,7.x

package ciliumexamples

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/sched_ext"
	"github.com/bpf2lskel/bpf2lskel/internal/guest"
)

// The kernel's description of its scheduler.
const scheduler = "/sys/kernel/sched_ext"

// The kernel uses the scheduler while the link exists.
func TestSchedExt(t *testing.T) {
	needRoot(t)
	if _, err := os.Stat(scheduler); errors.Is(err, os.ErrNotExist) {
		guest.NotHere(t, "no sched_ext: %v", err)
	}
	guest.Only(t) // it would become the machine's scheduler
	s := loaded(t, sched_ext.Load)
	l, err := s.Maps.MinimalSched.Attach()
	attached(t, l, err)
	says(t, "state", "enabled")
	says(t, "root/ops", "minimal")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	soon(t, "the kernel schedules by itself", func() bool {
		state, err := os.ReadFile(filepath.Join(scheduler, "state"))
		return err == nil && strings.TrimSpace(string(state)) == "disabled"
	})
}

func says(t *testing.T, file, want string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(scheduler, file))
	if got := strings.TrimSpace(string(text)); err != nil || got != want {
		t.Errorf("%s is %q, %v, want %q", file, got, err, want)
	}
}
