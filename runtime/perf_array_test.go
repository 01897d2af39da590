//vmtest:all

package runtime

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// newPerfArray returns a perf event array and a program that writes a number to it.
func newPerfArray(t testing.TB) (*PerfEventArray[uint64], func(uint64) uint32) {
	t.Helper()
	cpus, err := PossibleCPUs()
	if err != nil {
		t.Fatal(err)
	}
	m := newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypePerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: uint32(cpus)})
	p := NewRawTracepointProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeRawTracepoint},
		insns: asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.DWord),
			asm.StoreMem(asm.RFP, -8, asm.R2, asm.DWord),
			asm.LoadMapPtr(asm.R2, m.FD()),
			asm.LoadImm(asm.R3, 0xffffffff, asm.DWord), // BPF_F_CURRENT_CPU
			asm.Mov.Reg(asm.R4, asm.RFP),
			asm.Add.Imm(asm.R4, -8),
			asm.Mov.Imm(asm.R5, 8),
			asm.FnPerfEventOutput.Call(),
			asm.Return(),
		},
	}))
	return NewPerfEventArray[uint64](m), func(n uint64) uint32 {
		res, err := p.Test(RawTracepointArgs{n})
		if err != nil {
			t.Fatal(err)
		}
		return res.Return
	}
}

func TestPerfEventArray(t *testing.T) {
	a, put := newPerfArray(t)
	r, err := a.Reader(PerfOptions{Pages: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, ok, err := r.TryRead(); ok || err != nil {
		t.Errorf("an empty array: %v, %v", ok, err)
	}
	for i := range uint64(2000) { // several times around the ring
		put(i)
		rec, err := r.Read(t.Context())
		if err != nil || rec.Value != i || rec.Lost != 0 {
			t.Fatalf("record %d: %+v, %v", i, rec, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
}

func TestPerfEventArrayCountsLost(t *testing.T) {
	a, put := newPerfArray(t)
	r, err := a.Reader(PerfOptions{Pages: 1})
	if err != nil {
		t.Fatal(err)
	}
	// All on one CPU, since a CPU reports losses with its next record.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	for cpu := 0; one.Count() == 0; cpu++ {
		if before.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.SchedSetaffinity(0, &before) }()
	const puts = 4000
	refused := uint64(0)
	for i := range uint64(puts) {
		if int32(put(i)) < 0 {
			refused++
		}
	}
	var got, lost uint64
	drain := func() {
		for {
			rec, ok, err := r.TryRead()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return
			}
			got++
			lost += rec.Lost
		}
	}
	drain()
	// The kernel reports losses with the next record that fits.
	for range 1000 {
		put(1)
		drain()
	}
	if refused == 0 || r.Lost() != refused || lost != refused || got+refused != puts+1000 {
		t.Errorf("%d records, %d refused, %d lost, %d lost in records", got, refused, r.Lost(), lost)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
	if ret := int32(put(1)); ret >= 0 {
		t.Errorf("a program writes after Close: %d", ret)
	}
}

func TestPerfEventArrayWakesReader(t *testing.T) {
	a, put := newPerfArray(t)
	r, err := a.Reader(PerfOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan uint64)
	go func() {
		defer close(got)
		it := r.Iterate(context.Background())
		for rec := range it.All() {
			got <- rec.Value
		}
		if !errors.Is(it.Err(), os.ErrClosed) {
			t.Error(it.Err())
		}
	}()
	for i := range uint64(5000) {
		put(i)
		select {
		case n := <-got:
			if n != i {
				t.Fatalf("record %d, want %d", n, i)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("record %d did not wake the reader", i)
		}
	}
	r.Close()
	<-got
}
