//vmtest:all

package runtime

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func TestAttachKprobe(t *testing.T) {
	if _, _, err := probePMU("kprobe"); err != nil {
		p := NewKprobeProgram(newTestProgram(t, testProgram{
			ProgramSpec: ProgramSpec{Type: sys.ProgTypeKprobe}, insns: returning(0),
		}))
		_, err = p.AttachKprobe("do_nanosleep", nil)
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("without kprobes: %v", err)
		}
		t.Skipf("not on this kernel: %v", err)
	}
	count := newCount(t)
	p := NewKprobeProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeKprobe, Section: "kprobe/do_nanosleep", AttachTo: "do_nanosleep"},
		insns:       counting(count, 0),
	}))
	for name, attach := range map[string]func() (*Link, error){
		"section":   func() (*Link, error) { return p.Attach(nil) },
		"kprobe":    func() (*Link, error) { return p.AttachKprobe("do_nanosleep", &KprobeOptions{Cookie: 3}) },
		"kretprobe": func() (*Link, error) { return p.AttachKretprobe("do_nanosleep", nil) },
	} {
		before := counted(t, count)
		l, err := attach()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		nap()
		if counted(t, count) == before {
			t.Errorf("%s: the program did not run", name)
		}
		l.Close()
	}
	if _, err := p.AttachKprobe("no_such_function", nil); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no such function: %v", err)
	}
	syscalls := NewKprobeProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeKprobe, Section: "ksyscall/getpgid", AttachTo: "getpgid"},
		insns:       counting(count, 0),
	}))
	before := counted(t, count)
	l, err := syscalls.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	act()
	if counted(t, count) == before {
		t.Error("ksyscall: the program did not run")
	}
}

// A system call is found by its name in the kernel's source, on every architecture.
func TestAttachKprobeSyscall(t *testing.T) {
	if _, _, err := probePMU("kprobe"); err != nil {
		t.Skipf("not on this kernel: %v", err)
	}
	count := newCount(t)
	p := NewKprobeProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeKprobe, Section: "kprobe/sys_getpgid", AttachTo: "sys_getpgid"},
		insns:       counting(count, 0),
	}))
	for name, attach := range map[string]func() (*Link, error){
		"section":   func() (*Link, error) { return p.Attach(nil) },
		"kprobe":    func() (*Link, error) { return p.AttachKprobe("sys_getpgid", nil) },
		"kretprobe": func() (*Link, error) { return p.AttachKretprobe("sys_getpgid", nil) },
	} {
		before := counted(t, count)
		l, err := attach()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		act()
		if counted(t, count) == before {
			t.Errorf("%s: the program did not run", name)
		}
		l.Close()
	}
	_, err := p.AttachKprobe("sys_nonsense", nil)
	want := "this kernel has no function sys_nonsense"
	if prefix := syscallPrefix(); prefix != "" {
		want += " or " + prefix + "sys_nonsense"
	}
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), want) {
		t.Errorf("no such call: %v, want %q", err, want)
	}
}

func TestExpandFunctions(t *testing.T) {
	ownTraceFS(t)
	list, err := expandFunctions([]string{"do_nanosleep", "do_exit", "do_nanosleep"}, []uint64{1, 2, 3})
	if err != nil || !slices.Equal(list.names, []string{"do_nanosleep", "do_exit"}) || !slices.Equal(list.cookies, []uint64{1, 2}) {
		t.Errorf("names: %+v, %v", list, err)
	}
	if _, err := openTraceFS("available_filter_functions"); err != nil {
		t.Skipf("not on this kernel: no functions that can be traced: %v", err)
	}
	list, err = expandFunctions([]string{"do_nanos*", "do_?xit", "hrtimer_nanosleep"}, []uint64{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	cookies := map[string]uint64{}
	for i, name := range list.names {
		cookies[name] = list.cookies[i]
	}
	if cookies["do_nanosleep"] != 1 || cookies["do_exit"] != 2 || cookies["hrtimer_nanosleep"] != 3 {
		t.Errorf("cookies: %v", cookies)
	}
	if _, err := expandFunctions([]string{"no_such_*"}, nil); !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), `no function matches "no_such_*"`) {
		t.Errorf("nothing matches: %v", err)
	}
}

func TestAttachKprobeMulti(t *testing.T) {
	if _, _, err := probePMU("kprobe"); err != nil {
		t.Skipf("not on this kernel: %v", err)
	}
	count := newCount(t)
	p := NewKprobeMultiProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{
			Type: sys.ProgTypeKprobe, AttachType: sys.AttachTraceKprobeMulti,
			Section: "kprobe.multi/do_nano*p", AttachTo: "do_nano*p",
		},
		insns: counting(count, 0),
	}))
	l, err := p.AttachKprobeMulti([]string{"do_nanosleep", "do_exit"}, &KprobeMultiOptions{Cookies: []uint64{1, 2}})
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skipf("not on this kernel: no fprobe: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	nap()
	if counted(t, count) == 0 {
		t.Error("the program did not run")
	}
	if info, err := l.Info(); err != nil || info.Type != LinkKprobeMulti || (info.Count != 2 && !sys.KernelVersion().Before(sys.Version{6, 6})) {
		t.Errorf("info: %+v, %v", info, err)
	}
	l.Close()

	ownTraceFS(t)
	before := counted(t, count)
	l, err = p.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nap()
	if counted(t, count) == before {
		t.Error("pattern: the program did not run")
	}
	l.Close()

	// Several patterns at once, including functions of modules and a system call.
	l, err = p.AttachKprobeMulti([]string{"do_nano*p", "nf_conntrack_*", "sys_getpgid"}, nil)
	if errors.Is(err, unix.ENOENT) { // module not loaded
		l, err = p.AttachKprobeMulti([]string{"do_nano*p", "security_task_get*", "sys_getpgid"}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	before = counted(t, count)
	act()
	if counted(t, count) == before {
		t.Error("system call: the program did not run")
	}
	l.Close()
	if _, err := p.AttachKretprobeMulti([]string{"do_nanosleep", "no_such_function", "nor_this"}, nil); !errors.Is(err, unix.ESRCH) ||
		!strings.Contains(err.Error(), "this kernel has no function no_such_function, nor_this: ") {
		t.Errorf("no such function: %v", err)
	}
	for name, opts := range map[string]*KprobeMultiOptions{
		"3 Cookies for 1 functions": {Cookies: []uint64{1, 2, 3}}, "both names and Addresses are set": {Addresses: []uint64{1}},
	} {
		if _, err := p.AttachKprobeMulti([]string{"do_nanosleep"}, opts); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.AttachKprobeMulti(nil, nil); !errors.Is(err, unix.EINVAL) {
		t.Errorf("nothing: %v", err)
	}
}

func TestAttachUprobe(t *testing.T) {
	count := newCount(t)
	p := NewUprobeProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeKprobe}, insns: counting(count, 0),
	}))
	offset := probedOffset(t)
	l, err := p.AttachUprobe("/proc/self/exe", offset, &UprobeOptions{PID: os.Getpid()})
	if _, _, no := probePMU("uprobe"); no != nil {
		t.Skipf("not on this kernel: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	probed(1)
	ran := counted(t, count) // more than once if an emulator restarts the probed instruction
	if ran == 0 {
		t.Error("the program did not run")
	}
	l.Close()
	probed(1)
	if n := counted(t, count); n != ran {
		t.Errorf("the program ran %d times, and %d after Close", ran, n)
	}

	multi := NewUprobeMultiProgram(newUprobeMulti(t, counting(count, 0)))
	l, err = multi.AttachUprobeMulti("/proc/self/exe", []uint64{offset}, &UprobeMultiOptions{Cookies: []uint64{1}})
	sinceOrSkip(t, err, 6, 6, "uprobe.multi")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	probed(1)
	if counted(t, count) == ran {
		t.Error("uprobe.multi: the program did not run")
	}
}

func newUprobeMulti(t *testing.T, insns asm.Instructions) *Program {
	t.Helper()
	tp := testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeKprobe, AttachType: sys.AttachTraceUprobeMulti}, insns: insns}
	p, log, err := loadTestProgram(tp)
	sinceOrSkip(t, err, 6, 6, "uprobe.multi")
	if err != nil {
		t.Fatalf("load: %v\n%s", err, log)
	}
	t.Cleanup(p.fd.close)
	return p
}

//go:noinline
func probed(n int) int { return n + os.Getpid() }

// probedOffset is the offset of probed in the test binary's file.
func probedOffset(t *testing.T) uint64 {
	t.Helper()
	return fileOffset(t, probed)
}

// fileOffset converts a function's address to a file offset, using the process's mappings.
func fileOffset(t *testing.T, f func(int) int) uint64 {
	t.Helper()
	addr := uint64(funcPC(f))
	raw, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		from, to, _ := strings.Cut(fields[0], "-")
		lo, _ := strconv.ParseUint(from, 16, 64)
		hi, _ := strconv.ParseUint(to, 16, 64)
		off, _ := strconv.ParseUint(fields[2], 16, 64)
		if addr >= lo && addr < hi {
			return addr - lo + off
		}
	}
	t.Fatal("the function is not mapped")
	return 0
}
