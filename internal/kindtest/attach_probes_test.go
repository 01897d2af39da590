//vmtest:all,5.10

package kindtest

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/probes"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/ebpfinterop"
)

// loadProbes loads programs that observe this process.
func loadProbes(t *testing.T) *probes.Skeleton {
	t.Helper()
	s := opened(t, probes.Open)
	s.Rodata.Pid = uint32(os.Getpid())
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	return s
}

// probed skips the test on a kernel without this kind of probe.
func probed(t *testing.T, kind string) {
	t.Helper()
	if _, err := os.Stat("/sys/bus/event_source/devices/" + kind); errors.Is(err, os.ErrNotExist) {
		guest.NotHere(t, "no %ss: %v", kind, err)
	}
}

func TestAttachKprobe(t *testing.T) {
	probed(t, "kprobe")
	s := loadProbes(t)
	l, err := s.Progs.OnEntry.AttachKprobe("security_task_getpgid", &runtime.KprobeOptions{Cookie: cookie("5.15", 99)})
	countsUntilClose(t, ended(t, l, err), &s.Bss.Entered)
	if s.Bss.Cookie != cookie("5.15", 99) {
		t.Errorf("cookie %d", s.Bss.Cookie)
	}
	l, err = s.Progs.OnEntry.Attach(nil)
	ended(t, l, err)
	if _ = getpgid(); atomic.LoadUint64(&s.Bss.Entered) != 4 {
		t.Errorf("by section: %d calls", s.Bss.Entered)
	}
	if _, err := s.Progs.OnEntry.AttachKprobe("no_such_function", nil); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no such function: %v", err)
	}
}

func TestAttachKretprobe(t *testing.T) {
	probed(t, "kprobe")
	s := loadProbes(t)
	l, err := s.Progs.OnReturn.Attach(nil)
	countsUntilClose(t, ended(t, l, err), &s.Bss.Left)
	s.Bss.Left = 0
	l, err = s.Progs.OnReturn.AttachKretprobe("security_task_getpgid", nil)
	countsUntilClose(t, ended(t, l, err), &s.Bss.Left)
}

func TestAttachKprobeMulti(t *testing.T) {
	before(t, "5.18", "kprobe.multi")
	probed(t, "kprobe")
	s := loadProbes(t)
	l, err := s.Progs.OnMany.AttachKprobeMulti([]string{"security_task_getpgid", "security_task_getsid"}, &runtime.KprobeMultiOptions{
		Cookies: []uint64{7, 8},
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		guest.NotHere(t, "no fprobe, so no kprobe.multi: %v", err)
	}
	countsUntilClose(t, ended(t, l, err), &s.Bss.Multi)
	if s.Bss.Cookie != 7 {
		t.Errorf("cookie %d", s.Bss.Cookie)
	}
}

//go:noinline
func probedFunction(n int) int { return n + os.Getpid() }

func TestAttachUprobe(t *testing.T) {
	probed(t, "uprobe")
	s := loadProbes(t)
	// Attach by file offset: a test binary may have no symbols.
	l, err := ebpfinterop.AttachUprobe(s.Progs.OnUser, "/proc/self/exe", "probedFunction", &link.UprobeOptions{Address: fileOffset(t), Cookie: cookie("5.15", 5)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	probedFunction(1)
	// More than once if an emulator restarts the probed instruction.
	seen := atomic.LoadUint64(&s.Bss.User)
	if seen == 0 || s.Bss.Cookie != cookie("5.15", 5) {
		t.Errorf("%d calls, cookie %d", seen, s.Bss.Cookie)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	probedFunction(1)
	if n := atomic.LoadUint64(&s.Bss.User); n != seen {
		t.Errorf("%d calls, %d after Close", seen, n)
	}
}

func TestAttachUprobeAtOffset(t *testing.T) {
	probed(t, "uprobe")
	s := loadProbes(t)
	for name, attach := range map[string]func() (*runtime.Link, error){
		"entry": func() (*runtime.Link, error) {
			return s.Progs.OnUser.AttachUprobe("/proc/self/exe", fileOffset(t), nil)
		},
		"return": func() (*runtime.Link, error) {
			return s.Progs.OnUser.AttachUretprobe("/proc/self/exe", fileOffset(t), nil)
		},
	} {
		before := atomic.LoadUint64(&s.Bss.User)
		l, err := attach()
		ended(t, l, err)
		probedFunction(1)
		if atomic.LoadUint64(&s.Bss.User) == before {
			t.Errorf("%s: no call seen", name)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAttachUprobeMulti(t *testing.T) {
	probed(t, "uprobe")
	s := opened(t, probes.Open)
	s.Rodata.Pid = uint32(os.Getpid())
	s.Progs.OnUsers.SetAutoLoad(true)
	err := s.Load()
	since(t, err, "6.6", "uprobe.multi")
	if err != nil {
		t.Fatalf("%+v", err)
	}
	l, err := s.Progs.OnUsers.AttachUprobeMulti("/proc/self/exe", []uint64{fileOffset(t)}, &runtime.UprobeMultiOptions{
		Cookies: []uint64{6}, PID: os.Getpid(),
	})
	since(t, err, "6.6", "uprobe.multi")
	ended(t, l, err)
	probedFunction(1)
	if n := atomic.LoadUint64(&s.Bss.User); n == 0 || s.Bss.Cookie != 6 {
		t.Errorf("%d calls, cookie %d", n, s.Bss.Cookie)
	}
}

// fileOffset is the offset of probedFunction in this binary's file.
func fileOffset(t *testing.T) uint64 {
	t.Helper()
	address := uint64(reflect.ValueOf(probedFunction).Pointer())
	mappings, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mappings)) {
		var from, to, offset uint64
		var rights string
		if _, err := fmt.Sscanf(line, "%x-%x %s %x", &from, &to, &rights, &offset); err == nil && from <= address && address < to {
			return address - from + offset
		}
	}
	t.Fatal("the function is not mapped")
	return 0
}
