//vmtest:all

package runtime

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A Poller that waits learns that one of its readers is closed, of either kind.
func TestPollerReaderCloses(t *testing.T) {
	for name, open := range map[string]func() (Reader, error){
		"ring buffer": func() (Reader, error) {
			rb, _ := newRingBuf(t, uint32(os.Getpagesize()))
			return rb.Reader()
		},
		"perf event array": func() (Reader, error) {
			array, _ := newPerfArray(t)
			return array.Reader(PerfOptions{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := open()
			if err != nil {
				t.Fatal(err)
			}
			other, _ := newRingBuf(t, uint32(os.Getpagesize()))
			o, err := other.Reader()
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			p, err := NewPoller(o, r)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			waits := make(chan error, 1)
			go func() { waits <- p.Wait(context.Background()) }()
			for !p.wait.parked.Load() {
				time.Sleep(time.Millisecond)
			}
			r.Close()
			select {
			case err := <-waits:
				if !errors.Is(err, os.ErrClosed) {
					t.Errorf("while it waits: %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("still waits")
			}
			if err := p.Wait(t.Context()); !errors.Is(err, os.ErrClosed) {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// A record that another goroutine left behind, which it was woken up for together with its own,
// wakes up the Poller.
func TestPollerBesideRead(t *testing.T) {
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := NewPoller(r)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	// The Poller looks while Read, which is woken up as well, has not got its record yet.
	ready := r.r.ready
	r.r.ready = func(num uintptr) bool {
		some := ready(num)
		if some {
			time.Sleep(10 * time.Millisecond)
		}
		return some
	}
	for round := range uint64(5) {
		read := make(chan event, 1)
		go func() {
			e, err := r.Read(context.Background())
			if err != nil {
				t.Error(err)
			}
			read <- e
		}()
		for !r.r.wait.parked.Load() {
			time.Sleep(10 * time.Microsecond)
		}
		waits := make(chan error, 1)
		go func() { waits <- p.Wait(context.Background()) }()
		for !p.wait.parked.Load() {
			time.Sleep(10 * time.Microsecond)
		}
		put(event{Seq: 2 * round})
		put(event{Seq: 2*round + 1})
		if e := <-read; e.Seq != 2*round {
			t.Fatalf("round %d: Read got %+v", round, e)
		}
		select {
		case err := <-waits:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("round %d: the Poller still waits, with %d bytes in the buffer", round, r.r.mem.backlog.Load())
		}
		if e, ok, err := r.TryRead(); err != nil || !ok || e.Seq != 2*round+1 {
			t.Fatalf("round %d: TryRead got %+v, %v, %v", round, e, ok, err)
		}
	}
}

// A Poller that is closed leaves nothing in its readers, and opens and closes in any order, also
// while another one waits.
func TestPollersComeAndGo(t *testing.T) {
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	before := countFiles(t)
	stays, err := NewPoller(r)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				p, err := NewPoller(r)
				if err != nil {
					t.Error(err)
					return
				}
				waits := make(chan error, 1)
				go func() { waits <- p.Wait(context.Background()) }()
				p.Close()
				if err := <-waits; !errors.Is(err, os.ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := len(r.r.wait.bells.list); n != 1 {
		t.Errorf("the reader knows of %d Pollers, want 1", n)
	}
	if _, err := NewPoller(r, r); !errors.Is(err, unix.EEXIST) {
		t.Errorf("a reader twice: %v", err)
	}
	put(event{Seq: 5})
	if err := stays.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	stays.Close()
	if n := len(r.r.wait.bells.list); n != 0 {
		t.Errorf("the reader knows of %d Pollers, want none", n)
	}
	if after := countFiles(t); after != before {
		t.Errorf("%d open files, were %d", after, before)
	}
}

func countFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
