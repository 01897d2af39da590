package runtime

import (
	"context"
	"fmt"
	"os"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Reader is a [*RingBufReader] or [*PerfReader] with records of any type.
type Reader interface {
	// Backlog returns how many bytes of records were waiting when the reader last looked.
	Backlog() int
	// Lost returns how much was lost: bytes or records, depending on the reader's type.
	Lost() uint64
	Close() error
	polled() polled
}

// polled is what a Poller needs of a reader.
type polled struct {
	m    *Map
	op   string
	wait *waiter
	some func() bool // reports whether there is a record; the caller must have the turn
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
//		... // the same for the other readers
//	}
//
// It is safe for concurrent use, but only one goroutine waits at a time. It has its own file
// descriptor, so it must be closed. It does not close its readers.
type Poller struct {
	wait    *waiter
	readers []polled
	bell    bell
	err     error // set by ready
}

// NewPoller returns a Poller for the given readers. Without readers, Wait waits until the context
// ends.
func NewPoller(readers ...Reader) (*Poller, error) {
	p := new(Poller)
	if err := p.open(readers); err != nil {
		if _, ok := err.(*MapError); ok {
			return nil, err
		}
		return nil, fmt.Errorf("poll readers: %w", err)
	}
	return p, nil
}

func (p *Poller) open(readers []Reader) error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	num, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return err
	}
	p.bell = bell(num)
	err = watch(epoll, num)
	for _, r := range readers {
		if err != nil {
			break
		}
		one := r.polled()
		if err = one.watch(epoll); err != nil {
			err = newMapError(one.m.Name(), "poll", err)
			break
		}
		one.wait.addBell(p.bell)
		p.readers = append(p.readers, one)
	}
	if err != nil {
		unix.Close(epoll)
	} else {
		p.wait, err = newWaiter(epoll, "poller", p.free)
	}
	if err != nil {
		p.free()
	}
	return err
}

func (p *Poller) free() {
	for _, r := range p.readers {
		r.wait.removeBell(p.bell)
	}
	unix.Close(int(p.bell))
}

func watch(epoll, num int) error {
	return unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, num, &unix.EpollEvent{Events: unix.EPOLLIN})
}

// watch makes an epoll instance wake up when the reader's map does.
func (r polled) watch(epoll int) error {
	var err error
	if r.wait.raw.Control(func(num uintptr) {
		err = watch(epoll, int(num))
	}) != nil {
		return os.ErrClosed
	}
	return err
}

// Wait returns when at least one of the readers has a record for TryRead or Consume. It returns the
// context's error when the context ends, os.ErrClosed when the Poller or one of the readers is
// closed, and an error that wraps EBUSY if a loop over one of the readers is running. A record that
// another goroutine is waiting for in Read does not count.
func (p *Poller) Wait(ctx context.Context) error {
	if p == nil || p.wait == nil {
		panic("bpf2lskel/runtime: use of a nil or zero Poller: call NewPoller")
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

// ready reports whether a reader has a record, or waiting has failed with err.
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

// Close makes Wait return os.ErrClosed. Closing twice is fine.
func (p *Poller) Close() error {
	p.wait.close()
	return nil
}
