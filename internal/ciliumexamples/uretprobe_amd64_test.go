//vmtest:6.1,6.12,6.18,7.2,7.x

package ciliumexamples

import (
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/uretprobe"
	"github.com/bpf2lskel/bpf2lskel/internal/probedfile"
	bpf "github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/uprobe"
)

// line is what the shell has read: readline returns a pointer to a C string.
var line = [...]byte{'l', 's', ' ', '-', 'l', 0, 'x'}

//go:noinline
func readline() *byte { return &line[0] }

// The test binary is also the shell: it prints its thread ID and reads a line when its input ends.
func TestMain(m *testing.M) {
	if os.Getenv("READLINE") == "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread()
	println(unix.Gettid())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if *readline() != 'l' {
		os.Exit(1)
	}
	os.Exit(0)
}

// The example reports lines read by a shell.
func TestUretprobe(t *testing.T) {
	needProbes(t, "uprobe")
	s := loaded(t, uretprobe.Load)
	events, err := s.Maps.Events.Reader(bpf.PerfOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	shell := probedfile.Write(t, "shell", map[string]any{"readline": readline})
	l, err := uprobe.AttachReturn(s.Progs.UretprobeBashReadline, shell, "readline", nil)
	attached(t, l, err)

	cmd := exec.Command(shell)
	cmd.Env = append(os.Environ(), "READLINE=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1") // nothing may inspect the stack meanwhile
	cmd.Stdin = strings.NewReader("")
	said := &strings.Builder{}
	cmd.Stderr = said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	tid, err := strconv.Atoi(strings.TrimSpace(said.String()))
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	record, err := events.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if e := record.Value; text(e.Line[:]) != "ls -l" || e.Pid != uint32(tid) {
		t.Errorf("thread %d has read %q, want thread %d", e.Pid, text(e.Line[:]), tid)
	}
}
