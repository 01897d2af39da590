//vmtest:all

package runtime

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// One goroutine reads several buffers of both kinds and misses no record.
func TestPoller(t *testing.T) {
	const rings, events = 3, 2000
	var readers []*RingBufReader[event]
	var put []func(event)
	var all []Reader
	for range rings {
		rb, into := newRingBuf(t, uint32(4*os.Getpagesize()))
		r, err := rb.Reader()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		readers, put, all = append(readers, r), append(put, into), append(all, r)
	}
	array, output := newPerfArray(t)
	perf, err := array.Reader(PerfOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer perf.Close()
	put, all = append(put, func(e event) { output(e.Seq) }), append(all, perf)

	p, err := NewPoller(all...)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()

	var mu sync.Mutex
	read := make([]uint64, rings+1)
	took := sync.NewCond(&mu)
	count := func(i int, e event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Seq != read[i] && i < rings { // records of different CPUs arrive in any order
			t.Errorf("buffer %d: record %d came as %d", i, read[i], e.Seq)
		}
		read[i]++
		took.Broadcast()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			if err := p.Wait(ctx); err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
			for i, r := range readers {
				it := r.Consume()
				for e := range it.All() {
					count(i, e)
				}
				if it.Err() != nil {
					t.Error(it.Err())
				}
			}
			it := perf.Consume()
			for e := range it.Borrow() {
				count(rings, event{Seq: e.Value})
			}
			if it.Err() != nil {
				t.Error(it.Err())
			}
		}
	})
	// Sometimes one by one, each waking the reader, sometimes many at once.
	stuck := time.AfterFunc(60*time.Second, func() {
		mu.Lock()
		defer mu.Unlock()
		t.Errorf("the reader was not woken: %v read of %d each", read, events)
		clear(read)
		for i := range read {
			read[i] = events
		}
		took.Broadcast()
	})
	defer stuck.Stop()
	for seq := range uint64(events) {
		for i, into := range put {
			into(event{Seq: seq})
			if seq%7 != 0 && seq < events-1 {
				continue
			}
			mu.Lock()
			for read[i] <= seq {
				took.Wait()
			}
			mu.Unlock()
		}
	}
	cancel()
	reading.Wait()
}

func TestPollerEnds(t *testing.T) {
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	other, _ := newRingBuf(t, uint32(os.Getpagesize()))
	o, err := other.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	p, err := NewPoller(r, o)
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with nothing to read: %v", err)
	}

	// A record that another goroutine waits for in Read is not read here.
	got := make(chan event)
	go func() {
		e, err := r.Read(context.Background())
		if err != nil {
			t.Error(err)
		}
		got <- e
	}()
	for !r.r.wait.parked.Load() {
		time.Sleep(time.Millisecond)
	}
	if it := r.Consume(); true {
		for range it.All() {
			t.Error("read a record that another goroutine waits for")
		}
		if it.Err() != nil {
			t.Error(it.Err())
		}
	}
	put(event{Seq: 7})
	if e := <-got; e.Seq != 7 {
		t.Errorf("Read got %+v", e)
	}

	// A running loop has exclusive use of the reader.
	put(event{Seq: 8})
	for range r.Consume().All() {
		if err := p.Wait(t.Context()); !errors.Is(err, unix.EBUSY) {
			t.Errorf("in a loop's body: %v", err)
		}
	}

	waits := make(chan error)
	go func() { waits <- p.Wait(context.Background()) }()
	for !p.wait.parked.Load() {
		time.Sleep(time.Millisecond)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waits; !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed while it waits: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}

	if p, err = NewPoller(r, o); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	r.Close()
	if err := p.Wait(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("with a reader that is closed: %v", err)
	}
	if _, err := NewPoller(r); !errors.Is(err, os.ErrClosed) {
		t.Errorf("of a reader that is closed: %v", err)
	}
}

// Consume ends although its body writes more records, and Backlog reports the bytes that were
// waiting.
func TestConsume(t *testing.T) {
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	runtime.LockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	for cpu := range len(all) * 64 {
		if all.IsSet(cpu) && one.Count() == 0 {
			one.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil { // the buffer of one CPU
		t.Fatal(err)
	}
	defer func() {
		if err := unix.SchedSetaffinity(0, &all); err == nil {
			runtime.UnlockOSThread()
		}
	}()
	array, output := newPerfArray(t)
	perf, err := array.Reader(PerfOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer perf.Close()
	for i := range uint64(10) {
		put(event{Seq: i})
		output(i)
	}
	next := uint64(0)
	for round := range uint64(2) {
		want := (round + 1) * 10
		for e := range r.Consume().All() {
			if e.Seq != next {
				t.Fatalf("record %d came as %d", next, e.Seq)
			}
			if round == 0 {
				put(event{Seq: e.Seq + 10})
			}
			next++
		}
		if next != want || r.Backlog() != 240 {
			t.Errorf("round %d: %d records, want %d; backlog %d, want 240", round, next, want, r.Backlog())
		}
	}
	next = 0
	for e := range perf.Consume().All() {
		if e.Value != next {
			t.Fatalf("perf record %d came as %d", next, e.Value)
		}
		next++
	}
	if next != 10 || perf.Backlog() != 240 {
		t.Errorf("%d perf records, want 10; backlog %d, want 240", next, perf.Backlog())
	}
}
