//vmtest:all

package runtime_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// wantText checks an error that is not a LoadError.
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
	wantText(t, m.Pin(filepath.Join(dir, "m")), "file exists (something is already pinned there")
	wantText(t, m.Pin(filepath.Join(dir, "a.b")), "operation not permitted (want a name without dots")
	wantText(t, m.Pin(filepath.Join(t.TempDir(), "m")), "operation not permitted (want a name without dots in a BPF file system: mount -t bpf")
	wantText(t, m.Pin(filepath.Join(dir, "no", "m")), "no such file or directory (the directory does not exist")
	wantText(t, m.Pin("/proc/m"), "no such file or directory (the directory does not exist, or no BPF file system is mounted there: mount -t bpf")
	if err := os.Remove(filepath.Join(dir, "m")); err != nil {
		t.Error(err)
	}
}

func TestHintUpdate(t *testing.T) {
	p := returnsZero
	p.Type = sys.ProgTypeRawTracepoint
	s, err := runtime.Load(generate(t, oneProgram(p)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	program := runtime.NewRawTracepointProgram(s.Program(0))
	link, err := program.AttachRawTracepoint("sched_switch", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	err = link.Update(program)
	wantText(t, err, "invalid argument (the kernel replaces no programs of links of this kind")
	if !errors.Is(err, unix.EINVAL) {
		t.Errorf("got %v, want EINVAL", err)
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
	// Attach twice to an interface, in a new network namespace.
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

// An interface that does not exist, and one whose driver does not support the program.
func TestHintInterface(t *testing.T) {
	xdp, tc := returnsZero, returnsZero
	xdp.Type = sys.ProgTypeXDP
	both := map[string]*runtime.Program{}
	for name, p := range map[string]object.Program{"xdp": xdp, "tc": tc} {
		s, err := runtime.Load(generate(t, oneProgram(p)), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		both[name] = s.Program(0)
	}
	const none = 1<<31 - 1
	_, err := runtime.NewXDPProgram(both["xdp"]).AttachXDP(none, nil)
	wantText(t, err, "attach XDP to interface 2147483647: invalid argument (this thread's network namespace has no such interface")
	inNewNetns(t, func() {
		for _, mode := range []runtime.XDPMode{runtime.XDPNative, runtime.XDPOffload} {
			_, err := runtime.NewXDPProgram(both["xdp"]).AttachXDP(1, &runtime.XDPOptions{Mode: mode})
			wantText(t, err, "operation not supported (the interface's driver does not support this mode: use XDPGeneric or XDPAuto)")
		}
	})
	_, err = runtime.NewSchedCLSProgram(both["tc"]).AttachTCX(none, runtime.Ingress, nil)
	if sys.KernelVersion().Before(sys.Version{6, 6}) {
		wantText(t, err, "invalid argument (BPF_TCX_INGRESS needs Linux 6.6")
	} else {
		wantText(t, err, "no such device (the network namespace of this thread has no such interface)")
	}
	// lo is not a netkit device.
	_, err = runtime.NewSchedCLSProgram(both["tc"]).AttachNetkit(1, runtime.NetkitPrimary, nil)
	switch {
	case sys.KernelVersion().Before(sys.Version{6, 7}):
		wantText(t, err, "invalid argument (BPF_NETKIT_PRIMARY needs Linux 6.7")
	case errors.Is(err, unix.EINVAL): // a kernel without netkit
	default:
		wantText(t, err, "no such device or address (the interface is not a netkit device)")
	}
}

func TestHintCgroup(t *testing.T) {
	p := returnsZero
	p.Type, p.ExpectedAttachType = sys.ProgTypeCgroupSKB, sys.AttachCgroupInetEgress
	s, err := runtime.Load(generate(t, oneProgram(p)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	_, err = runtime.NewCgroupSKBProgram(s.Program(0)).AttachCgroup(dir, nil)
	wantText(t, err, "attach to cgroup "+dir+": bad file descriptor (it is not the directory of a version 2 cgroup)")
}

// inNewNetns runs f on a thread in a new network namespace.
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
