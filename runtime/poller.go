package runtime

import (
	"context"
	"fmt"
	"os"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Reader is a [*RingBufReader] or a [*PerfReader], whatever the type of its records.
type Reader interface {
	// Backlog returns how many bytes of records were waiting when the reader last looked.
	Backlog() int
	// Lost returns what was lost: bytes or records, as the type's own Lost says.
	Lost() uint64
	Close() error
	polled() polled
}

// polled is a reader as a Poller sees it.
type polled struct {
	m    *Map
	op   string
	wait *waiter
	some func() bool // reports whether there is a record; for whoever has the turn
}

func (r *RingBufReader[T]) polled() polled {
	c := r.core()
	return polled{c.m, opRingBuf, c.wait, c.mem.some}
}

func (r *PerfReader[T]) polled() polled {
	c := r.core()
	return polled{c.m, opPerfArray, c.wait, c.some}
}

// A Poller waits for records in any of several readers, so that one goroutine can read from all of
// them:
//
//	for {
//		if err := p.Wait(ctx); err != nil {
//			return err
//		}
//		it := opens.Consume()
//		for e := range it.All() {
//			...
//		}
//		if err := it.Err(); err != nil {
//			return err
//		}
//		... // and so on for the other readers
//	}
//
// It may be used by several goroutines, of which one waits at a time. It has a file descriptor of
// its own: it has to be closed. It does not close its readers.
type Poller struct {
	wait    *waiter
	readers []polled
	err     error // what ready has found
}

// NewPoller returns a Poller for these readers. One for none waits until the context ends.
func NewPoller(readers ...Reader) (*Poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("poll readers: %w", err)
	}
	p := new(Poller)
	for _, r := range readers {
		one := r.polled()
		if err := one.watch(epoll); err != nil {
			unix.Close(epoll)
			return nil, newMapError(one.m.Name(), "poll", err)
		}
		p.readers = append(p.readers, one)
	}
	if p.wait, err = newWaiter(epoll, "poller", func() {}); err != nil {
		return nil, fmt.Errorf("poll readers: %w", err)
	}
	return p, nil
}

// watch has an epoll instance wake up when the reader's map does.
func (r polled) watch(epoll int) error {
	var err error
	if r.wait.raw.Control(func(num uintptr) {
		err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, int(num), &unix.EpollEvent{Events: unix.EPOLLIN})
	}) != nil {
		return os.ErrClosed
	}
	return err
}

// Wait returns when at least one of the readers has a record, which TryRead and Consume then find.
// It returns the context's error when the context ends, os.ErrClosed when the Poller or one of the
// readers is closed, and an error that wraps EBUSY if a loop over one of the readers is running.
// A record that another goroutine is waiting for in Read does not count.
func (p *Poller) Wait(ctx context.Context) error {
	if p == nil || p.wait == nil {
		panic("bpf2lskel/runtime: use of a nil or zero Poller: NewPoller makes one")
	}
	err := p.wait.lock(ctx, turnTaken)
	if err == nil {
		p.err = nil
		if err = p.wait.wait(ctx, false, p.ready); err == nil {
			err = p.err
		}
		p.wait.unlock()
	}
	if _, ok := err.(*MapError); err == nil || ok {
		return err
	}
	return fmt.Errorf("poll readers: %w", err)
}

// ready reports whether one of the readers has a record, or cannot be waited for, which is in err.
func (p *Poller) ready(uintptr) bool {
	for _, r := range p.readers {
		mine, err := r.wait.tryLock(turnTaken)
		if err != nil {
			p.err = newMapError(r.m.Name(), r.op, err)
			return true
		}
		if !mine {
			continue
		}
		some := r.some()
		r.wait.unlock()
		if some {
			return true
		}
	}
	return false
}

// Close ends waiting: Wait returns os.ErrClosed. Closing twice is fine.
func (p *Poller) Close() error {
	p.wait.close()
	return nil
}
