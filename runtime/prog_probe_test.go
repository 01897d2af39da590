//vmtest:all

package runtime

import (
	"errors"
	"os"
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
		_, err = p.AttachKprobe("do_nanosleep", KprobeOptions{})
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
		"section":   p.Attach,
		"kprobe":    func() (*Link, error) { return p.AttachKprobe("do_nanosleep", KprobeOptions{Cookie: 3}) },
		"kretprobe": func() (*Link, error) { return p.AttachKretprobe("do_nanosleep", KprobeOptions{}) },
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
	if _, err := p.AttachKprobe("no_such_function", KprobeOptions{}); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no such function: %v", err)
	}
	syscalls := NewKprobeProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeKprobe, Section: "ksyscall/getpgid", AttachTo: "getpgid"},
		insns:       counting(count, 0),
	}))
	before := counted(t, count)
	l, err := syscalls.Attach()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	act()
	if counted(t, count) == before {
		t.Error("ksyscall: the program did not run")
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
	l, err := p.AttachKprobeMulti(KprobeMultiOptions{Symbols: []string{"do_nanosleep", "do_exit"}, Cookies: []uint64{1, 2}})
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skipf("not on this kernel: it has no fprobe, and says: %v", err)
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
	l, err = p.Attach()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nap()
	if counted(t, count) == before {
		t.Error("pattern: the program did not run")
	}
}

func TestAttachUprobe(t *testing.T) {
	count := newCount(t)
	p := NewUprobeProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeKprobe}, insns: counting(count, 0),
	}))
	offset := probedOffset(t)
	l, err := p.AttachUprobe("/proc/self/exe", offset, UprobeOptions{PID: os.Getpid()})
	if _, _, no := probePMU("uprobe"); no != nil {
		t.Skipf("not on this kernel: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	probed(1)
	ran := counted(t, count) // more than once where an emulator starts the probed instruction over
	if ran == 0 {
		t.Error("the program did not run")
	}
	l.Close()
	probed(1)
	if n := counted(t, count); n != ran {
		t.Errorf("the program ran %d times, and %d after Close", ran, n)
	}

	multi := NewUprobeMultiProgram(newUprobeMulti(t, counting(count, 0)))
	l, err = multi.AttachUprobeMulti("/proc/self/exe", UprobeMultiOptions{Offsets: []uint64{offset}, Cookies: []uint64{1}})
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

// probedOffset is where probed starts, in the file of the test binary.
func probedOffset(t *testing.T) uint64 {
	t.Helper()
	return fileOffset(t, probed)
}

// fileOffset converts a function's address to an offset into the binary, by the process's mappings.
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
