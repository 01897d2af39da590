//vmtest:all

package runtime_test

import (
	"net"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// wantText checks an error that is no LoadError.
func wantText(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %q", err, text)
	}
}

func TestHintPin(t *testing.T) {
	dir := testfs.BPF(t)
	s, err := runtime.Load(generate(t, oneMap(array)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := s.Map(0)
	if err := m.Pin(filepath.Join(dir, "m")); err != nil {
		t.Fatal(err)
	}
	wantText(t, m.Pin(filepath.Join(dir, "m")), "file exists (something is pinned there already")
	wantText(t, m.Pin(filepath.Join(dir, "a.b")), "operation not permitted (pins are names without dots")
	wantText(t, m.Pin(filepath.Join(t.TempDir(), "m")), "operation not permitted (pins are names without dots in a BPF file system")
	wantText(t, m.Pin(filepath.Join(dir, "no", "m")), "no such file or directory (the directory does not exist")
	if err := os.Remove(filepath.Join(dir, "m")); err != nil {
		t.Error(err)
	}
}

func TestHintAttachBusy(t *testing.T) {
	p := returnsZero
	p.Type = sys.ProgTypeXDP
	s, err := runtime.Load(generate(t, oneProgram(p)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	prog := runtime.NewXDPProgram(s.Program(0))
	// Twice on the same interface, in a network namespace where nobody minds.
	inNewNetns(t, func() {
		first, err := prog.AttachXDP(lo.Index, &runtime.XDPOptions{Mode: runtime.XDPGeneric})
		if err != nil {
			t.Error(err)
			return
		}
		defer first.Close()
		_, err = prog.AttachXDP(lo.Index, &runtime.XDPOptions{Mode: runtime.XDPGeneric})
		wantText(t, err, "device or resource busy (another program is attached to the interface")
	})
}

// inNewNetns runs f on a thread with a network namespace of its own.
func inNewNetns(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		goruntime.LockOSThread() // and never unlocked: the thread ends with its namespace
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
