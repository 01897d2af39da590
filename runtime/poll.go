package runtime

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// waiter waits for a file descriptor to become ready through Go's poller: the
// goroutine is parked, no thread is.
//
// What it waits for is memory that the kernel writes, not the file descriptor's
// own state, so readiness is for a callback to say. The poller resets its event before the
// callback runs first, and the kernel sends one after the memory has changed: no wake-up gets lost in between.
type waiter struct {
	file   *os.File
	raw    syscall.RawConn
	closed atomic.Bool
	// turn holds a token while a goroutine reads: there may be one at a time.
	turn chan struct{}
	// parked is set while the one that has the turn waits.
	parked atomic.Bool
}

// newWaiter takes the file descriptor over.
func newWaiter(num int, name string) (*waiter, error) {
	err := roomForPoller()
	if err == nil {
		err = unix.SetNonblock(num, true) // or os.NewFile leaves it to blocking calls
	}
	if err != nil {
		unix.Close(num)
		return nil, err
	}
	file := os.NewFile(uintptr(num), name)
	if err := file.SetDeadline(time.Time{}); err != nil {
		file.Close()
		return nil, err
	}
	pollerRuns.Store(true)
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &waiter{file: file, raw: raw, turn: make(chan struct{}, 1)}, nil
}

// pollerRuns is set when Go's poller is known to have started, by a waiter.
var pollerRuns atomic.Bool

// roomForPoller opens what Go's poller opens when it starts: if it cannot, it ends the process
// ("netpollinit failed"), rather than return EMFILE or ENFILE. In a process where something else
// has started it this may refuse a reader although it need not, for want of two file descriptors.
func roomForPoller() error {
	if pollerRuns.Load() {
		return nil
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(epoll)
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return err
	}
	return unix.Close(event)
}

// lock waits for the caller's turn; unlock ends it.
func (w *waiter) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.turn <- struct{}{}:
	default:
		select {
		case w.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if w.closed.Load() {
		w.unlock()
		return os.ErrClosed
	}
	return nil
}

// tryLock is lock that gives up, with false, if the one that has the turn waits.
func (w *waiter) tryLock() (bool, error) {
	for {
		select {
		case w.turn <- struct{}{}:
			if w.closed.Load() {
				w.unlock()
				return false, os.ErrClosed
			}
			return true, nil
		default:
		}
		if w.parked.Load() {
			return false, nil
		}
		runtime.Gosched() // whoever has the turn copies a record
	}
}

func (w *waiter) unlock() { <-w.turn }

// aLongTimeAgo is a deadline that has passed.
var aLongTimeAgo = time.Unix(1, 0)

// wait returns when ready does: it is called at once, and after each event. The caller
// has the turn.
func (w *waiter) wait(ctx context.Context, write bool, ready func(uintptr) bool) error {
	w.parked.Store(true)
	defer w.parked.Store(false)
	if ctx.Done() != nil {
		canceled := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			defer close(canceled)
			_ = w.file.SetDeadline(aLongTimeAgo)
		})
		defer func() {
			if !stop() {
				<-canceled
				_ = w.file.SetDeadline(time.Time{})
			}
		}()
	}
	var err error
	if write {
		err = w.raw.Write(ready)
	} else {
		err = w.raw.Read(ready)
	}
	switch {
	case err == nil:
		return nil
	case w.closed.Load():
		return os.ErrClosed
	case ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded):
		return ctx.Err()
	}
	return err
}

// close wakes whoever waits, waits until they are gone, and calls free. Only the first time it
// returns true.
func (w *waiter) close(free func()) bool {
	if w.closed.Swap(true) {
		return false
	}
	w.file.Close()
	w.turn <- struct{}{}
	free()
	<-w.turn
	return true
}
