//vmtest:all,5.10

package kindtest

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	goruntime "runtime"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/tracing"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// loadTracing loads programs that observe this process's getpgid.
func loadTracing(t *testing.T) *tracing.Skeleton {
	t.Helper()
	s := opened(t, tracing.Open)
	s.Rodata.Pid = uint32(os.Getpid())
	s.Rodata.Syscall = unix.SYS_GETPGID
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	return s
}

// countsUntilClose expects a program to see each getpgid until its link is closed.
func countsUntilClose(t *testing.T, l *runtime.Link, n *uint64) {
	t.Helper()
	for range 3 {
		_ = getpgid()
	}
	if got := atomic.LoadUint64(n); got != 3 {
		t.Errorf("%s: saw %d calls, want 3", l, got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_ = getpgid()
	if got := atomic.LoadUint64(n); got != 3 {
		t.Errorf("%s: %d calls seen after Close", l, got)
	}
}

func TestAttachRawTracepoint(t *testing.T) {
	s := loadTracing(t)
	l, err := s.Progs.OnRaw.Attach(nil)
	countsUntilClose(t, ended(t, l, err), &s.Bss.Raw)
	l, err = s.Progs.OnRaw.AttachRawTracepoint("sys_enter", nil)
	if err := ended(t, l, err).Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Progs.OnRaw.AttachRawTracepoint("no_such_tracepoint", nil); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no such tracepoint: %v", err)
	}
}

func TestAttachTPBTF(t *testing.T) {
	s := loadTracing(t)
	l, err := s.Progs.OnTyped.Attach(nil)
	countsUntilClose(t, ended(t, l, err), &s.Bss.Typed)
}

func TestAttachTracepoint(t *testing.T) {
	testfs.At(t, "tracefs", "/sys/kernel/tracing")
	s := loadTracing(t)
	l, err := s.Progs.OnFormatted.Attach(nil)
	ended(t, l, err)
	if info, err := l.Info(); isBefore("5.15") {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("info without a kernel link: %+v, %v", info, err)
		}
	} else if err != nil || info.Type != runtime.LinkPerfEvent {
		t.Errorf("info %+v, %v", info, err)
	}
	countsUntilClose(t, l, &s.Bss.Formatted)
	s.Bss.Formatted = 0
	l, err = s.Progs.OnFormatted.AttachTracepoint("raw_syscalls", "sys_enter", nil)
	countsUntilClose(t, ended(t, l, err), &s.Bss.Formatted)
	if s.Bss.Asked != uint64(os.Getpid()) {
		t.Errorf("asked for process %d, want %d", s.Bss.Asked, os.Getpid())
	}
}

func TestAttachPerfEvent(t *testing.T) {
	goruntime.LockOSThread() // the event belongs to the thread
	defer goruntime.UnlockOSThread()
	s := loadTracing(t)
	event, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CONTEXT_SWITCHES, Sample: 1,
	}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(event)
	l, err := s.Progs.OnSwitch.AttachPerfEvent(event, nil)
	ended(t, l, err)
	soon(t, "context switches", func() bool { return atomic.LoadUint64(&s.Bss.Switches) > 0 })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	before := atomic.LoadUint64(&s.Bss.Switches)
	_ = unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil)
	if n := atomic.LoadUint64(&s.Bss.Switches); n != before {
		t.Errorf("%d context switches after Close, %d before", n, before)
	}
}

// The iterator writes a line for each task.
func TestAttachIterTask(t *testing.T) {
	s := loadTracing(t)
	read := func(target *runtime.IterOptions) (lines []tracing.Line) {
		t.Helper()
		r, err := s.Progs.EachTask.Open(target)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for {
			var line tracing.Line
			if err := binary.Read(r, binary.NativeEndian, &line); errors.Is(err, io.EOF) {
				return lines
			} else if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
	}
	pid := int32(os.Getpid())
	all := read(nil)
	if !slices.ContainsFunc(all, func(l tracing.Line) bool { return l.Pid == pid && l.Tgid == pid }) || len(all) < 2 {
		t.Errorf("%d tasks, none of them this one", len(all))
	}
	if isBefore("6.1") {
		return // no support for selecting tasks
	}
	ours := read(&runtime.IterOptions{PID: os.Getpid()})
	if len(ours) == 0 || slices.ContainsFunc(ours, func(l tracing.Line) bool { return l.Tgid != pid }) {
		t.Errorf("tasks of this process: %v", ours)
	}
	if one := read(&runtime.IterOptions{TID: os.Getpid()}); len(one) != 1 || one[0].Pid != pid {
		t.Errorf("this process's first thread: %v", one)
	}
}

// The iterator adds up the values of a map.
func TestAttachIterMapElem(t *testing.T) {
	s := loadTracing(t)
	for k := range uint32(5) {
		if err := s.Maps.Ages.Update(k, uint64(k), runtime.Any); err != nil {
			t.Fatal(err)
		}
	}
	l, err := s.Progs.EachAge.Attach(&runtime.IterOptions{Map: s.Maps.Ages})
	ended(t, l, err)
	for i := range uint64(2) {
		f, err := runtime.OpenIter(l)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(f); err != nil {
			t.Error(err)
		}
		f.Close()
		if want := 10 * (i + 1); s.Bss.Total != want {
			t.Errorf("total %d, want %d", s.Bss.Total, want)
		}
	}
}

// Attach attaches all programs whose sections name a target.
func TestAttachAuto(t *testing.T) {
	testfs.At(t, "tracefs", "/sys/kernel/tracing")
	s := loadTracing(t)
	left, err := s.Attach()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(left)
	if want := []string{"add_args", "each_age", "in_group", "on_switch"}; !slices.Equal(left, want) {
		t.Errorf("not attached: %v, want %v", left, want)
	}
	_ = getpgid()
	if raw, typed, formatted := atomic.LoadUint64(&s.Bss.Raw), atomic.LoadUint64(&s.Bss.Typed), atomic.LoadUint64(&s.Bss.Formatted); raw != 1 || typed != 1 || formatted != 1 {
		t.Errorf("seen %d, %d, %d times", raw, typed, formatted)
	}
	if s.Links.OnRaw == nil || s.Links.EachTask == nil {
		t.Errorf("links %+v", s.Links)
	}
	s.Detach()
	_ = getpgid()
	if raw := atomic.LoadUint64(&s.Bss.Raw); raw != 1 || s.Links.OnRaw != nil {
		t.Errorf("seen %d times after Detach", raw)
	}
}
