package runtime

import (
	"testing"

	"github.com/cilium/ebpf/asm"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Positions do not end at 4 GiB, in a 32-bit process either: see TestIn32BitProcess.
const past4GiB = 1<<32 + 1<<27

// largeRecord is the size of a record that takes up 64 KiB.
const largeRecord = 1<<16 - ringHeader

func TestRingBufPast4GiB(t *testing.T) {
	m := newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeRingBuf, MaxEntries: 1 << 20})
	insns := asm.Instructions{asm.LoadMem(asm.R7, asm.R1, 0, asm.DWord)}
	const perRun = 15 // a ring holds one less than would fit
	for range perRun {
		insns = append(insns,
			asm.LoadMapPtr(asm.R1, m.FD()),
			asm.Mov.Imm(asm.R2, largeRecord),
			asm.Mov.Imm(asm.R3, 0),
			asm.FnRingbufReserve.Call(),
			asm.JEq.Imm(asm.R0, 0, "full"),
			asm.StoreMem(asm.R0, 0, asm.R7, asm.DWord),
			asm.Add.Imm(asm.R7, 1),
			asm.Mov.Reg(asm.R1, asm.R0),
			asm.Mov.Imm(asm.R2, 1), // BPF_RB_NO_WAKEUP
			asm.FnRingbufSubmit.Call(),
		)
	}
	p := NewSyscallProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSyscall, Flags: sys.FlagSleepable},
		insns:       append(insns, asm.Mov.Imm(asm.R0, 0), asm.Return(), asm.Mov.Imm(asm.R0, 1).WithSymbol("full"), asm.Return()),
	}))
	r, err := NewRingBuf[[largeRecord / 8]uint64](m).Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	it := r.Iterate(t.Context())
	for n := uint64(0); n < past4GiB>>16; {
		if ret, err := RunSyscall(p, &n); err != nil || ret != 0 {
			t.Fatalf("after %d MiB: the program returns %d, %v", n>>4, ret, err)
		}
		end := n + perRun
		for e := range it.Borrow() {
			if e[0] != n {
				t.Fatalf("record %d, want %d", e[0], n)
			}
			if n++; n == end {
				break
			}
		}
	}
}

func TestUserRingBufPast4GiB(t *testing.T) {
	u := NewUserRingBuf[[largeRecord / 8]uint64](newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeUserRingBuf, MaxEntries: 1 << 20}))
	drain := newDrain(t, u.Untyped(), newCount(t))
	w, err := u.Writer()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const perRun = 16
	var record [largeRecord / 8]uint64
	for n := 0; n < past4GiB>>16; n += perRun {
		for range perRun {
			if err := w.TryWrite(record); err != nil {
				t.Fatalf("after %d MiB: %v", n>>4, err)
			}
		}
		if got, err := drain.Run(); err != nil || got != perRun {
			t.Fatalf("after %d MiB: drained %d, %v", n>>4, got, err)
		}
	}
}
