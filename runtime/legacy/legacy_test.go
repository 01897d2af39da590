//vmtest:all,5.10

package legacy_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/cgroups"
	bpf "github.com/bpf2lskel/bpf2lskel/internal/kindtest/net"
	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/legacy"
	_ "github.com/bpf2lskel/bpf2lskel/runtime/oldkernel" // for Linux 5.10
)

// loopback moves the test to a new network namespace and returns the index of its loopback
// interface, which is up.
func loopback(t *testing.T) int {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	goruntime.LockOSThread() // never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	lo, err := netlab.Up("lo", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return lo
}

// udp opens a socket and returns a function that sends it a packet.
func udp(t *testing.T) (send func()) {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return func() {
		t.Helper()
		if _, err := c.WriteTo([]byte("hello"), c.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadFrom(make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
	}
}

func load(t *testing.T) *bpf.Skeleton {
	t.Helper()
	s, err := bpf.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.Progs.Add.SetAutoLoad(false) // of a type that Linux 5.10 does not have
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	return s
}

func attached(t *testing.T, l *runtime.Link, err error) *runtime.Link {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestAttachTC(t *testing.T) {
	lo := loopback(t)
	send := udp(t)
	s := load(t)
	for _, dir := range []runtime.Direction{runtime.Ingress, runtime.Egress} {
		for name, tt := range map[string]struct {
			opts   *legacy.TCOptions
			before bool // whether the second program runs first
		}{"after": {nil, false}, "priority": {&legacy.TCOptions{Priority: 1}, true}} {
			s.Bss.Order, s.Bss.FirstAt, s.Bss.SecondAt = 0, 0, 0
			l, err := legacy.AttachTC(s.Progs.First, lo, dir, &legacy.TCOptions{Priority: 5})
			first := attached(t, l, err)
			l, err = legacy.AttachTC(s.Progs.Second, lo, dir, tt.opts)
			second := attached(t, l, err)
			send()
			if s.Bss.Order != 2 || (s.Bss.SecondAt < s.Bss.FirstAt) != tt.before {
				t.Errorf("%s: %d runs, first at %d, second at %d", name, s.Bss.Order, s.Bss.FirstAt, s.Bss.SecondAt)
			}
			if _, err := legacy.AttachTC(s.Progs.Second, lo, dir, &legacy.TCOptions{Priority: 5}); !errors.Is(err, unix.EEXIST) ||
				!strings.Contains(err.Error(), "another filter has this priority and handle") {
				t.Errorf("%s: the same priority: %v", name, err)
			}
			if err := errors.Join(first.Close(), first.Close()); err != nil {
				t.Error(err)
			}
			send()
			if s.Bss.Order != 3 {
				t.Errorf("%s: %d runs after Close", name, s.Bss.Order)
			}
			// Close works on a thread in another network namespace.
			closed := make(chan error)
			go func() {
				goruntime.LockOSThread()
				closed <- errors.Join(unix.Unshare(unix.CLONE_NEWNET), second.Close())
			}()
			if err := <-closed; err != nil {
				t.Error(err)
			}
			send()
			if s.Bss.Order != 3 {
				t.Errorf("%s: %d runs after both are closed", name, s.Bss.Order)
			}
		}
	}
	l, err := legacy.AttachTC(s.Progs.First, lo, runtime.Ingress, nil)
	l = attached(t, l, err)
	if got, want := l.String(), "program first: attach tc ingress to interface "+strconv.Itoa(lo); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := l.Update(s.Progs.Second); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("update: %v", err)
	}
	if _, err := legacy.AttachTC(s.Progs.First, 12345, runtime.Ingress, nil); !errors.Is(err, unix.ENODEV) ||
		!strings.Contains(err.Error(), "this thread has no such interface") {
		t.Errorf("no such interface: %v", err)
	}
}

func TestAttachXDP(t *testing.T) {
	lo := loopback(t)
	send := udp(t)
	s := load(t)
	generic := &legacy.XDPOptions{Mode: runtime.XDPGeneric}
	l, err := legacy.AttachXDP(s.Progs.Count, lo, generic)
	count := attached(t, l, err)
	send()
	if n := atomic.LoadUint64(&s.Bss.Packets); n != 1 {
		t.Errorf("%d packets", n)
	}
	if _, err := legacy.AttachXDP(s.Progs.Turn, lo, generic); !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "detach it, or set Replace") {
		t.Errorf("a second program: %v", err)
	}
	l, err = legacy.AttachXDP(s.Progs.Count, lo, &legacy.XDPOptions{Mode: runtime.XDPGeneric, Replace: true})
	again := attached(t, l, err)
	send()
	if n := atomic.LoadUint64(&s.Bss.Packets); n != 2 {
		t.Errorf("%d packets after the program replaced itself", n)
	}
	// If another program has replaced this one, it stays when this one's link is closed.
	l, err = legacy.AttachXDP(s.Progs.Turn, lo, &legacy.XDPOptions{Mode: runtime.XDPGeneric, Replace: true})
	turn := attached(t, l, err)
	if err := errors.Join(count.Close(), again.Close()); err != nil {
		t.Error(err)
	}
	if _, err := legacy.AttachXDP(s.Progs.Count, lo, generic); !errors.Is(err, unix.EBUSY) {
		t.Errorf("the other program is gone: %v", err)
	}
	if err := turn.Close(); err != nil {
		t.Error(err)
	}
	send()
	if n := atomic.LoadUint64(&s.Bss.Packets); n != 2 {
		t.Errorf("%d packets after Close", n)
	}
	if _, err := legacy.AttachXDP(s.Progs.Count, lo, &legacy.XDPOptions{Mode: runtime.XDPNative}); err == nil ||
		!strings.HasSuffix(err.Error(), "(the interface's driver does not support this mode: use XDPGeneric or XDPAuto)") {
		t.Errorf("a mode that lo does not have: %v", err)
	}
	if _, err := legacy.AttachXDP(s.Progs.Count, 12345, nil); err == nil || !strings.Contains(err.Error(), "this thread has no such interface") {
		t.Error("attached to interface 12345, which does not exist")
	}
}

func TestAttachCgroup(t *testing.T) {
	loopback(t)
	root := testfs.Cgroup2(t)
	home := root
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(groups)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			home = filepath.Join(root, path)
		}
	}
	group, err := os.MkdirTemp(root, "legacy-*")
	if err != nil {
		t.Fatal(err)
	}
	enter := func(dir string) error { return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0) }
	if err := enter(group); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(enter(home), os.Remove(group)); err != nil {
			t.Error(err)
		}
	})
	s, err := cgroups.Load()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { s.Close() })
	send := udp(t)

	l, err := legacy.AttachCgroup(s.Progs.Leave, group, nil)
	first := attached(t, l, err)
	send()
	if n := atomic.LoadUint64(&s.Bss.Packets); n != 1 {
		t.Errorf("%d packets", n)
	}
	if _, err := legacy.AttachCgroup(s.Progs.Leave, group, &legacy.CgroupOptions{Exclusive: true}); !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "excludes others") {
		t.Errorf("exclusive with another program: %v", err)
	}
	if _, err := legacy.AttachCgroup(s.Progs.Leave, group, &legacy.CgroupOptions{Replace: s.Progs.Create}); err == nil {
		t.Error("replaced a program that is not attached")
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Error(err)
	}
	send()
	if n := atomic.LoadUint64(&s.Bss.Packets); n != 1 {
		t.Errorf("%d packets after Close", n)
	}
	l, err = legacy.AttachCgroup(s.Progs.Leave, group, &legacy.CgroupOptions{Exclusive: true})
	attached(t, l, err)
	if _, err := legacy.AttachCgroup(s.Progs.Leave, group, nil); !errors.Is(err, unix.EPERM) {
		t.Errorf("with an exclusive program: %v", err)
	}
	if _, err := legacy.AttachCgroup(s.Progs.Leave, "/nonexistent", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such directory: %v", err)
	}
}

// Nil, zero and closed programs are errors, as in package runtime.
func TestNoProgram(t *testing.T) {
	closed, err := bpf.Open()
	if err != nil {
		t.Fatal(err)
	}
	for name, attach := range map[string]func() (*runtime.Link, error){
		"zero tc": func() (*runtime.Link, error) {
			return legacy.AttachTC(runtime.SchedCLSProgram{}, 1, runtime.Ingress, nil)
		},
		"zero XDP":    func() (*runtime.Link, error) { return legacy.AttachXDP(runtime.XDPProgram{}, 1, nil) },
		"zero cgroup": func() (*runtime.Link, error) { return legacy.AttachCgroup(runtime.CgroupProgram{}, "/", nil) },
		"nil cgroup":  func() (*runtime.Link, error) { return legacy.AttachCgroup(nil, "/", nil) },
		"not loaded":  func() (*runtime.Link, error) { return legacy.AttachTC(closed.Progs.First, 1, runtime.Ingress, nil) },
	} {
		_, err := attach()
		var failed *runtime.ProgramError
		if !errors.As(err, &failed) || !strings.HasPrefix(failed.Op, "attach ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An invalid direction is an error, not ingress.
func TestInvalidDirection(t *testing.T) {
	_, err := legacy.AttachTC(runtime.SchedCLSProgram{}, 1, runtime.Direction(99), nil)
	var failed *runtime.ProgramError
	if !errors.As(err, &failed) || failed.Errno != unix.EINVAL || !strings.Contains(err.Error(), "invalid direction 99") {
		t.Error(err)
	}
}
