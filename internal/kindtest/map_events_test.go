//vmtest:all,5.10

package kindtest

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/events"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

func TestMapRingBuf(t *testing.T) {
	s := loaded(t, events.Open)
	r, err := s.Maps.Ring.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := r.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no record before the deadline: %v", err)
	}

	s.Bss.Next = 100 // the programs continue from here
	read := make(chan error)
	go func() { // waits before any event exists
		e, err := r.Read(t.Context())
		if want := (events.Event{Number: 100, Mark: 5, Tag: [4]uint8{'r', 'i', 'n', 'g'}}); err == nil && e != want {
			t.Errorf("event %v, want %v", e, want)
		}
		read <- err
	}()
	time.Sleep(10 * time.Millisecond)
	run(t, s.Progs.Submit, 5)
	if err := <-read; err != nil {
		t.Fatal(err)
	}

	for range 3 {
		run(t, s.Progs.Submit, 6)
	}
	ctx, cancel = context.WithCancel(t.Context())
	var numbers uint64
	it := r.Iterate(ctx)
	for e := range it.All() {
		numbers = numbers*1000 + e.Number
		if e.Number == 103 {
			cancel()
		}
	}
	cancel()
	if numbers != 101102103 || !errors.Is(it.Err(), context.Canceled) {
		t.Errorf("numbers %d, %v", numbers, it.Err())
	}
	if _, ok, err := r.TryRead(); ok || err != nil {
		t.Errorf("an empty ring: %v, %v", ok, err)
	}
}

func TestMapUserRingBuf(t *testing.T) {
	before(t, "6.1", "user ring buffers")
	s := opened(t, events.Open)
	s.Progs.Drain.SetAutoLoad(true)
	err := s.Load()
	withoutJIT(t, err)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	w, err := s.Maps.Orders.Writer()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, o := range []events.Order{{Amount: 2, Price: 10}, {Amount: 3, Price: 100}} {
		if err := w.Write(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if n := run(t, s.Progs.Drain, 0); n != 2 || s.Bss.Sum != 320 {
		t.Errorf("%d orders, sum %d", n, s.Bss.Sum)
	}

	n := 0
	for err = nil; err == nil; n++ {
		err = w.TryWrite(events.Order{Amount: 1, Price: 1})
	}
	if !errors.Is(err, runtime.ErrMapFull) {
		t.Errorf("a full ring: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := w.Write(ctx, events.Order{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no room before the deadline: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := w.TryWrite(events.Order{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
}

func TestMapPerfEventArray(t *testing.T) {
	s := loaded(t, events.Open)
	r, err := s.Maps.Samples.Reader(runtime.PerfOptions{Pages: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := r.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no record before the deadline: %v", err)
	}

	s.Bss.Next = 7
	if ret := run(t, s.Progs.Sample, 5); ret != 0 {
		t.Fatalf("the program returns %d", ret)
	}
	rec, err := r.Read(t.Context())
	want := events.Event{Number: 7, Mark: 5, Tag: [4]uint8{'p', 'e', 'r', 'f'}}
	if err != nil || rec.Value != want || rec.Lost != 0 || rec.CPU >= int(s.Maps.Samples.MaxEntries()) {
		t.Errorf("record %+v, %v, want %+v", rec, err, want)
	}

	// A page has no room for all of these: records read and records lost add up to the total.
	const many = 3000
	if _, err := s.Progs.Sample.Test(runtime.SKBTest{Data: packet(), Repeat: many}); err != nil {
		t.Fatal(err)
	}
	read, room := uint64(0), true
	for room {
		if _, room, err = r.TryRead(); err != nil {
			t.Fatal(err)
		}
		if room {
			read++
		}
	}
	if run(t, s.Progs.Sample, 6); r.Lost() == 0 { // the kernel reports losses with the next record
		if _, err := r.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if read == 0 || r.Lost() == 0 || read+r.Lost() != many {
		t.Errorf("%d read, %d lost of %d", read, r.Lost(), many)
	}
}
