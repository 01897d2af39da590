//vmtest:all

package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

type event struct {
	Seq   uint64
	Flags uint64 // for bpf_ringbuf_output
}

// newRingBuf returns a ring buffer and a program that writes an event to it.
func newRingBuf(t testing.TB, size uint32) (*RingBuf[event], func(event)) {
	t.Helper()
	return ringBufOf(t, newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeRingBuf, MaxEntries: size}))
}

func ringBufOf(t testing.TB, m *Map) (*RingBuf[event], func(event)) {
	t.Helper()
	p := NewSyscallProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSyscall, Flags: sys.FlagSleepable},
		insns: asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.DWord),
			asm.StoreMem(asm.RFP, -16, asm.R2, asm.DWord),
			asm.LoadMem(asm.R4, asm.R1, 8, asm.DWord),
			asm.StoreMem(asm.RFP, -8, asm.R4, asm.DWord),
			asm.LoadMapPtr(asm.R1, m.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -16),
			asm.Mov.Imm(asm.R3, 16),
			asm.FnRingbufOutput.Call(),
			asm.Return(),
		},
	}))
	return NewRingBuf[event](m), func(e event) {
		if ret, err := RunSyscall(p, &e); err != nil || ret != 0 {
			t.Errorf("put %+v: %d, %v", e, int32(ret), err)
		}
	}
}

func TestRingBuf(t *testing.T) {
	ctx := t.Context()
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Size() != os.Getpagesize() {
		t.Errorf("size %d", r.Size())
	}
	if _, ok, err := r.TryRead(); ok || err != nil {
		t.Errorf("an empty ring buffer: %v, %v", ok, err)
	}
	// Several times around the ring.
	for i := range uint64(3000) {
		put(event{Seq: i})
		e, err := r.Read(ctx)
		if err != nil || e.Seq != i {
			t.Fatalf("record %d: %+v, %v", i, e, err)
		}
	}

	const noWakeup = 1 // BPF_RB_NO_WAKEUP
	put(event{Seq: 1, Flags: noWakeup})
	if e, ok, err := r.TryRead(); !ok || err != nil || e.Seq != 1 {
		t.Errorf("without a wake-up: %+v, %v, %v", e, ok, err)
	}
}

// A waiting reader is woken by each of many records that arrive one at a time.
func TestRingBufWakesReader(t *testing.T) {
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	const events = 20000
	got := make(chan uint64)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(got)
		it := r.Iterate(context.Background())
		for e := range it.All() {
			got <- e.Seq
		}
		if !errors.Is(it.Err(), os.ErrClosed) {
			t.Error(it.Err())
		}
	})
	for i := range uint64(events) {
		put(event{Seq: i})
		select {
		case seq := <-got:
			if seq != i {
				t.Fatalf("record %d, want %d", seq, i)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("record %d did not wake the reader", i)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	reading.Wait()
	if err := r.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := r.Read(context.Background()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
	if _, _, err := r.TryRead(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
}

func TestRingBufContext(t *testing.T) {
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	put(event{Seq: 5})
	if _, err := r.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline that has passed, with a record: %v", err)
	}
	if e, err := r.Read(context.Background()); err != nil || e.Seq != 5 {
		t.Errorf("after a deadline: %+v, %v", e, err)
	}

	ctx, cancel = context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	for range 3 { // one waits for a record, two wait for their turn
		waiting.Go(func() {
			if _, err := r.Read(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("cancellation: %v", err)
			}
		})
	}
	time.Sleep(10 * time.Millisecond)
	if _, ok, err := r.TryRead(); ok || err != nil {
		t.Errorf("while others wait: %v, %v", ok, err)
	}
	cancel()
	waiting.Wait()

	put(event{Seq: 6})
	if e, err := r.Read(context.Background()); err != nil || e.Seq != 6 {
		t.Errorf("after a cancellation: %+v, %v", e, err)
	}
}

func TestRingBufWrongType(t *testing.T) {
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	r, err := NewRingBuf[uint32](rb.Untyped()).Reader()
	if err != nil {
		t.Fatal(err)
	}
	put(event{Seq: 1})
	put(event{Seq: 2})
	_, err = r.Read(t.Context())
	var size *RecordSizeError
	if !errors.As(err, &size) || size.Record != 16 || size.Type != 4 {
		t.Errorf("wrong type: %v", err)
	}
	if got, want := err.Error(), "map test: read ring buffer: record has 16 bytes, but its type has 4"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	r.Close()

	raw, err := NewRingBuf[[]byte](rb.Untyped()).Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if b, err := raw.Read(t.Context()); err != nil || len(b) != 16 {
		t.Errorf("raw: %v, %v", b, err)
	}
}

func TestRingBufDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	rb, put := newRingBuf(t, 1<<20)
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range uint64(2000) {
		put(event{Seq: i})
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() { _, _ = r.Read(ctx) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Records that were discarded, or not yet submitted, are not read.
func TestRingBufDiscard(t *testing.T) {
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	p := NewSyscallProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSyscall, Flags: sys.FlagSleepable},
		insns: asm.Instructions{
			asm.LoadMapPtr(asm.R1, rb.FD()),
			asm.Mov.Imm(asm.R2, 40),
			asm.Mov.Imm(asm.R3, 0),
			asm.FnRingbufReserve.Call(),
			asm.JEq.Imm(asm.R0, 0, "out"),
			asm.Mov.Reg(asm.R1, asm.R0),
			asm.Mov.Imm(asm.R2, 0),
			asm.FnRingbufDiscard.Call(),
			asm.Mov.Imm(asm.R0, 0),
			asm.Return().WithSymbol("out"),
		},
	}))
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range uint64(500) {
		if _, err := p.Run(); err != nil {
			t.Fatal(err)
		}
		put(event{Seq: i})
		if e, err := r.Read(t.Context()); err != nil || e.Seq != i {
			t.Fatalf("record %d: %+v, %v", i, e, err)
		}
	}
}

// newDrain loads a program that takes all records from a user ring buffer and adds up their first 8
// bytes.
func newDrain(t *testing.T, m *Map, sum *ArrayMap[uint64]) SyscallProgram {
	t.Helper()
	long := &btf.Int{Name: "long", Size: 8, Encoding: btf.Signed}
	void := &btf.Pointer{Target: &btf.Void{}}
	ctx := btf.FuncParam{Name: "ctx", Type: void}
	callback := &btf.Func{Name: "drained", Linkage: btf.StaticFunc, Type: &btf.FuncProto{
		Return: long, Params: []btf.FuncParam{{Name: "record", Type: void}, ctx},
	}}
	entry := &btf.Func{Name: "drain", Linkage: btf.GlobalFunc, Type: &btf.FuncProto{
		Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, Params: []btf.FuncParam{ctx},
	}}
	load := asm.LoadImm(asm.R2, -1, asm.DWord).WithReference("drained")
	load.Src = sys.PseudoFunc
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.Syscall, Flags: sys.FlagSleepable, License: "GPL",
		Instructions: asm.Instructions{
			btf.WithFuncMetadata(asm.LoadMapPtr(asm.R1, m.FD()).WithSymbol("drain"), entry),
			load,
			asm.Mov.Imm(asm.R3, 0),
			asm.Mov.Imm(asm.R4, 0),
			asm.FnUserRingbufDrain.Call(),
			asm.Return(),

			btf.WithFuncMetadata(asm.Mov.Reg(asm.R3, asm.R1).WithSymbol("drained"), callback),
			asm.Mov.Reg(asm.R1, asm.RFP),
			asm.Add.Imm(asm.R1, -8),
			asm.Mov.Imm(asm.R2, 8),
			asm.Mov.Imm(asm.R4, 0),
			asm.Mov.Imm(asm.R5, 0),
			asm.FnDynptrRead.Call(),
			asm.JNE.Imm(asm.R0, 0, "out"),
			asm.LoadMem(asm.R2, asm.RFP, -8, asm.DWord),
			asm.LoadMapValue(asm.R1, sum.FD(), 0),
			asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
			asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
			asm.Return(),
		},
	})
	skipWithoutJIT(t, err)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { prog.Close() })
	p := &Program{spec: &ProgramSpec{Name: "drain", Type: sys.ProgTypeSyscall}}
	num, err := unix.FcntlInt(uintptr(prog.FD()), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	p.fd.set(num)
	t.Cleanup(p.fd.close)
	return NewSyscallProgram(p)
}

func TestUserRingBuf(t *testing.T) {
	u := NewUserRingBuf[event](newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeUserRingBuf, MaxEntries: uint32(os.Getpagesize())}))
	sum := newCount(t)
	drain := newDrain(t, u.Untyped(), sum)
	w, err := u.Writer()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()

	room := os.Getpagesize() / 24
	for range room {
		if err := w.TryWrite(event{Seq: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.TryWrite(event{Seq: 1}); !errors.Is(err, ErrMapFull) {
		t.Errorf("write to a full ring buffer: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := w.Write(ctx, event{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	done := make(chan error)
	go func() { done <- w.Write(context.Background(), event{Seq: 1000000}) }()
	for !w.w.wait.parked.Load() {
		time.Sleep(time.Millisecond)
	}
	if err := w.TryWrite(event{}); !errors.Is(err, ErrMapFull) {
		t.Errorf("write while another waits: %v", err)
	}
	if n, err := drain.Run(); err != nil || int(n) != room {
		t.Errorf("%d records, %v", n, err)
	}
	if err := <-done; err != nil {
		t.Errorf("write after the drain: %v", err)
	}
	if n, err := drain.Run(); err != nil || n != 1 {
		t.Errorf("%d records, %v", n, err)
	}
	if n := counted(t, sum); n != uint64(1000000+room) {
		t.Errorf("sum %d", n)
	}
	w.Close()
	if err := w.Write(context.Background(), event{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
}

// A batch larger than the ring buffer is written as the buffer is drained, and records can be
// written in place between batches.
func TestUserRingBufBatch(t *testing.T) {
	u := NewUserRingBuf[event](newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeUserRingBuf, MaxEntries: uint32(os.Getpagesize())}))
	sum := newCount(t)
	drain := newDrain(t, u.Untyped(), sum)
	w, err := u.Writer()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()

	room := os.Getpagesize() / 24
	batch := make([]event, 10*room+3)
	want := uint64(0)
	for i := range batch {
		batch[i].Seq = uint64(i)
		want += uint64(i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if n, err := w.WriteBatch(ctx, batch); n != room || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%d written, %v, want %d and the deadline", n, err, room)
	}
	done := make(chan error)
	go func() {
		n, err := w.WriteBatch(context.Background(), batch[room:])
		if err == nil && n != len(batch)-room {
			err = fmt.Errorf("%d of %d written", n, len(batch)-room)
		}
		done <- err
	}()
	drained := 0
	for drained < len(batch) {
		n, err := drain.Run()
		if err != nil || int32(n) < 0 {
			t.Fatalf("drain: %d, %v", int32(n), err)
		}
		drained += int(n)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	for i := range uint64(2 * room) {
		if err := w.WriteInPlace(t.Context(), func(e *event) { *e = event{Seq: i} }); err != nil {
			t.Fatal(err)
		}
		want += i
		if n, err := drain.Run(); err != nil || n != 1 {
			t.Fatalf("%d records, %v", n, err)
		}
	}
	func() {
		defer func() { _ = recover() }()
		_ = w.WriteInPlace(t.Context(), func(e *event) { e.Seq = 1 << 40; panic("not written") })
	}()
	if n, err := drain.Run(); err != nil || n != 0 {
		t.Errorf("%d records after a function that panicked, %v", n, err)
	}
	if n := counted(t, sum); n != want {
		t.Errorf("sum %d, want %d", n, want)
	}
	bytes := NewUserRingBuf[[]byte](newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeUserRingBuf, MaxEntries: uint32(os.Getpagesize())}))
	b, err := bytes.Writer()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.WriteInPlace(t.Context(), func(*[]byte) { t.Error("the function was called") }); !errors.Is(err, unix.EINVAL) {
		t.Errorf("bytes in place: %v", err)
	}
	if n, err := b.WriteBatch(t.Context(), [][]byte{{1}, make([]byte, 1<<20), {2}}); n != 1 || !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("a record that is too long: %d written, %v", n, err)
	}
}
