//vmtest:all

package runtime

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// sinceOrSkip skips a test if the kernel has refused and is older than the version that it needs.
func sinceOrSkip(t *testing.T, err error, major, minor int, what string) {
	t.Helper()
	if err == nil || !sys.KernelVersion().Before(sys.Version{major, minor}) {
		return
	}
	t.Skipf("not on this kernel: %s is since %d.%d, and it says: %v", what, major, minor, err)
}

func newTestSchedCLS(t *testing.T, insns asm.Instructions) SchedCLSProgram {
	t.Helper()
	return NewSchedCLSProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeSchedCLS}, insns: insns}))
}

func TestAttachTCX(t *testing.T) {
	lo := loopback(t)
	count, later := newCount(t), newCount(t)
	next := newTestSchedCLS(t, counting(count, -1))
	shot := newTestSchedCLS(t, returning(int32(TCActShot)))
	last := newTestSchedCLS(t, counting(later, int32(TCActOK)))

	l, err := next.AttachTCX(lo, Ingress, nil)
	sinceOrSkip(t, err, 6, 6, "TCX")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e, err := last.AttachTCX(lo, Egress, &TCXOptions{Anchor: AtHead()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if !ping(t) || counted(t, count) != 1 || counted(t, later) != 1 {
		t.Errorf("ingress saw %d packets, egress %d", counted(t, count), counted(t, later))
	}
	if info, err := l.Info(); err != nil || info.Type != LinkTCX || info.Ifindex != uint32(lo) || info.AttachType != uint32(Ingress) {
		t.Errorf("info: %+v, %v", info, err)
	}

	// After the first program, the first still counts; before it, it does not.
	for _, tt := range []struct {
		name   string
		anchor Anchor
		counts bool
	}{
		{"at tail", AtTail(), true},
		{"default", Anchor{}, true},
		{"at head", AtHead(), false},
		{"after program", AfterProgram(next), true},
		{"before program", BeforeProgram(next), false},
		{"after link", AfterLink(l), true},
		{"before link", BeforeLink(l), false},
		{"before program ID", BeforeProgramID(programID(t, l)), false},
		{"after program ID", AfterProgramID(programID(t, l)), true},
	} {
		before := counted(t, count)
		s, err := shot.AttachTCX(lo, Ingress, &TCXOptions{Anchor: tt.anchor})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if ping(t) {
			t.Errorf("%s: a packet arrived", tt.name)
		}
		if got := counted(t, count) > before; got != tt.counts {
			t.Errorf("%s: first program ran: %v", tt.name, got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := shot.AttachTCX(lo, Ingress, &TCXOptions{Anchor: BeforeProgram(last)}); !errors.Is(err, unix.ENOENT) {
		t.Errorf("anchor that is elsewhere: %v", err)
	}
	shot.fd.close()
	if _, err := last.AttachTCX(lo, Ingress, &TCXOptions{Anchor: BeforeProgram(shot)}); err == nil {
		t.Error("attached relative to a closed program")
	}
}

func programID(t *testing.T, l *Link) uint32 {
	t.Helper()
	info, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	return info.ProgramID
}

func TestSchedCLSTestRun(t *testing.T) {
	p := newTestSchedCLS(t, asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, 8, asm.Word), // mark
		asm.Mov.Imm(asm.R3, 77),
		asm.StoreMem(asm.R1, 8, asm.R3, asm.Word),   // mark
		asm.LoadMem(asm.R2, asm.R1, 48+4, asm.Word), // cb[1]
		asm.Add.Reg(asm.R0, asm.R2),
		asm.Return(),
	})
	ctx := &SKBContext{Mark: 40}
	ctx.CB[1] = 2
	res, err := p.Test(SKBTest{Data: make([]byte, 64), Context: ctx})
	if err != nil {
		t.Fatal(err)
	}
	if res.Return != 42 || res.Context.Mark != 77 || len(res.Data) != 64 {
		t.Errorf("return %d, mark %d, %d bytes", res.Return, res.Context.Mark, len(res.Data))
	}
}
