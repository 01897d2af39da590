//vmtest:all,5.10

package kindtest

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/targets"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// openTargets opens programs without an attach target. None is loaded unless a test says so.
func openTargets(t *testing.T) *targets.Skeleton {
	t.Helper()
	s := opened(t, targets.Open)
	s.Rodata.Pid = uint32(os.Getpid())
	return s
}

// retarget makes a program load for a target.
func retarget(t *testing.T, p interface {
	SetAutoLoad(bool)
	SetAttachTarget(string) error
}, name string,
) {
	t.Helper()
	p.SetAutoLoad(true)
	if err := p.SetAttachTarget(name); err != nil {
		t.Fatal(err)
	}
}

// expectCalls expects a program's count to grow with each getpgid.
func expectCalls(t *testing.T, n *uint64) {
	t.Helper()
	before := atomic.LoadUint64(n)
	for range 3 {
		_ = getpgid()
	}
	if got := atomic.LoadUint64(n) - before; got != 3 {
		t.Errorf("saw %d calls, want 3", got)
	}
}

// Targets can be set for a program whose section names none, and for one of two programs whose
// sections name the same one.
func TestSetAttachTarget(t *testing.T) {
	s := openTargets(t)
	retarget(t, s.Progs.OnEntry, "security_task_getpgid")
	retarget(t, s.Progs.OnExit, "security_task_getpgid")
	s.Progs.OnGetsid.SetAutoLoad(true) // keeps its target
	notTraced(t, s.Load())
	if _, err := s.Attach(); err != nil {
		t.Fatal(err)
	}
	expectCalls(t, &s.Bss.Entered)
	expectCalls(t, &s.Bss.Left)
	before := atomic.LoadUint64(&s.Bss.Left)
	_, _ = unix.Getsid(os.Getpid())
	if n := atomic.LoadUint64(&s.Bss.Left); n != before {
		t.Errorf("the program also ran %d times at its section's target", n-before)
	}
	if n := atomic.LoadUint64(&s.Bss.Entered); n != 7 { // 2 times 3, and getsid
		t.Errorf("saw %d entries, want 7: another program has lost its target", n)
	}
	if to := s.Progs.OnExit.Spec().AttachTo; to != "security_task_getpgid" {
		t.Errorf("its Spec has the target %q", to)
	}
}

func TestSetAttachTargetModifyReturn(t *testing.T) {
	s := openTargets(t)
	retarget(t, s.Progs.Instead, "security_task_getpgid")
	notTraced(t, s.Load())
	l, err := s.Progs.Instead.Attach(nil)
	notTraced(t, err)
	ended(t, l, err)
	if err := getpgid(); !errors.Is(err, unix.EBUSY) {
		t.Errorf("getpgid says %v, want EBUSY", err)
	}
}

func TestSetAttachTargetLSM(t *testing.T) {
	withLSM(t)
	s := openTargets(t)
	retarget(t, s.Progs.Judge, "task_getpgid")
	notTraced(t, s.Load())
	l, err := s.Progs.Judge.Attach(nil)
	notTraced(t, err)
	ended(t, l, err)
	if err := getpgid(); !errors.Is(err, unix.EXDEV) && !errors.Is(err, unix.EPERM) {
		t.Errorf("getpgid says %v, want EXDEV", err)
	}
}

// withLSM skips the test if BPF is not among the security modules that the kernel was booted with:
// programs would attach but never run.
func withLSM(t *testing.T) {
	t.Helper()
	testfs.At(t, "securityfs", "/sys/kernel/security")
	list, err := os.ReadFile("/sys/kernel/security/lsm")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Split(strings.TrimSpace(string(list)), ","), "bpf") {
		guest.NotHere(t, "BPF is not among its security modules: %s", list)
	}
}

func TestSetAttachTargetTracepoint(t *testing.T) {
	s := openTargets(t)
	retarget(t, s.Progs.OnTyped, "sys_enter")
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	l, err := s.Progs.OnTyped.Attach(nil)
	ended(t, l, err)
	before := atomic.LoadUint64(&s.Bss.Typed)
	_ = getpgid()
	if n := atomic.LoadUint64(&s.Bss.Typed) - before; n == 0 {
		t.Error("the program did not run")
	}
}

// A target can be a function of a kernel module, with or without the module's name.
func TestSetAttachTargetModule(t *testing.T) {
	guest.Only(t)
	if isBefore("5.11") {
		guest.NotHere(t, "modules have BTF since Linux 5.11")
	}
	guest.Module(t, "nf_conntrack")
	for _, name := range []string{"nf_conntrack:nf_conntrack_in", "nf_conntrack_in"} {
		s := openTargets(t)
		retarget(t, s.Progs.OnEntry, name)
		notTraced(t, s.Load())
		info, err := s.Progs.OnEntry.Info()
		if err != nil {
			t.Fatal(err)
		}
		fd, errno := sys.GetFdByID(sys.CmdBtfGetFdByID, info.AttachBTFObject)
		if errno != 0 {
			t.Fatal(errno)
		}
		if module := sys.BtfName(fd); module != "nf_conntrack" {
			t.Errorf("%s: loaded for type %d of %q", name, info.AttachBTFID, module)
		}
		unix.Close(fd)
		s.Close()
	}
}

// An iterator over tasks is changed to one over maps: it writes a letter for each, and one at the
// end.
func TestSetAttachTargetIter(t *testing.T) {
	s := openTargets(t)
	retarget(t, s.Progs.Each, "bpf_map")
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	r, err := s.Progs.Each.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	letters, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	maps, err := runtime.MapIDs()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(letters); n < len(maps) || n > len(maps)+3 { // other processes may create or close maps
		t.Errorf("%d letters for %d maps", n, len(maps))
	}
}

// A program without a target fails before the kernel is asked, and an invalid target is an error
// that names both. Then the load can be retried.
func TestSetAttachTargetErrors(t *testing.T) {
	s := openTargets(t)
	s.Progs.OnTyped.SetAutoLoad(true)
	err := s.Load()
	wantText(t, err, "load program on_typed", "SetAttachTarget")
	if !errors.Is(err, unix.EINVAL) {
		t.Errorf("without a target: %v", err)
	}
	retarget(t, s.Progs.OnTyped, "no_such_tracepoint")
	err = s.Load()
	wantText(t, err, "on_typed", "no_such_tracepoint")
	var failed *runtime.LoadError
	if !errors.Is(err, unix.ENOENT) || !errors.As(err, &failed) || failed.Step != -1 {
		t.Errorf("no such tracepoint: %#v", err)
	}
	if err := s.Progs.OnTyped.SetAttachTarget(""); !errors.Is(err, unix.EINVAL) {
		t.Errorf("no name: %v", err)
	}
	retarget(t, s.Progs.OnTyped, "sys_enter")
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	wantText(t, s.Progs.OnTyped.SetAttachTarget("sys_exit"), "on_typed", "already loaded")
	s.Close()
	if err := s.Progs.OnTyped.SetAttachTarget("sys_exit"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	var none runtime.TracingProgram
	wantText(t, none.SetAttachTarget("sys_exit"), "nil")
}

func wantText(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v: want %q in it", err, text)
		}
	}
}
