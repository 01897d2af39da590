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
// goroutine is parked, no thread is. And it decides whose turn it is to read.
//
// What it waits for is memory that the kernel writes, not the file descriptor's own state, so
// readiness is for a callback to say. The poller resets its event before the callback runs first,
// and the kernel sends one after the memory has changed: no wake-up gets lost in between.
type waiter struct {
	file *os.File
	raw  syscall.RawConn
	// turn says who reads; see turnFree and so on. One that waits for its turn waits for a token in
	// next.
	turn   atomic.Uint32
	next   chan struct{}
	closed atomic.Bool
	// parked is set while the one that has the turn waits.
	parked atomic.Bool
	// free gives back what is read from, when the last turn after close ends.
	free  func()
	freed atomic.Bool
}

const (
	turnFree  = 0
	turnTaken = 1
	// turnLoop is for a loop, which has the turn until it ends: others are refused, or one
	// goroutine could wait for itself.
	turnLoop = 2
	// turnWaited is added if somebody waits.
	turnWaited = 4
)

// errInLoop answers who would have to wait for a loop.
var errInLoop error = &sentinelError{text: "a loop over this reader is running: read in its body, or after it", errno: unix.EBUSY}

// newWaiter takes the file descriptor over. It calls free once nobody reads any more and close has
// been called.
func newWaiter(num int, name string, free func()) (*waiter, error) {
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
	return &waiter{file: file, raw: raw, next: make(chan struct{}, 1), free: free}, nil
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

// lock waits for the caller's turn, which is turnTaken or turnLoop; unlock ends it.
func (w *waiter) lock(ctx context.Context, turn uint32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !w.turn.CompareAndSwap(turnFree, turn) {
		if err := w.wantTurn(ctx.Done(), turn, false); err != nil {
			if err == errCanceled {
				err = ctx.Err()
			}
			return err
		}
	}
	if w.closed.Load() {
		w.unlock()
		return os.ErrClosed
	}
	return nil
}

// errCanceled says that wantTurn was canceled.
var errCanceled = errors.New("canceled")

// wantTurn waits for the caller's turn. It does not wait for a loop, unless that is in wait and
// need is set.
func (w *waiter) wantTurn(canceled <-chan struct{}, turn uint32, need bool) error {
	for {
		old := w.turn.Load()
		switch {
		case old == turnFree:
			// There may be others that wait: have unlock send a token.
			if w.turn.CompareAndSwap(old, turn|turnWaited) {
				return nil
			}
			continue
		case old&turnLoop != 0 && !(need && w.parked.Load()):
			return errInLoop
		case !w.turn.CompareAndSwap(old, old|turnWaited):
			continue
		}
		select {
		case <-w.next:
		case <-canceled:
			return errCanceled
		}
	}
}

// tryLock is lock that gives up, with false, if the one that has the turn waits.
func (w *waiter) tryLock(turn uint32) (bool, error) {
	for !w.turn.CompareAndSwap(turnFree, turn) {
		switch old := w.turn.Load(); {
		case old == turnFree:
		case old&turnLoop != 0:
			return false, errInLoop
		case w.parked.Load():
			return false, nil
		default:
			runtime.Gosched() // whoever has the turn copies a record
		}
	}
	if w.closed.Load() {
		w.unlock()
		return false, os.ErrClosed
	}
	return true, nil
}

func (w *waiter) unlock() {
	if w.closed.Load() && w.freed.CompareAndSwap(false, true) {
		w.free()
	}
	if w.turn.Swap(turnFree)&turnWaited != 0 {
		select {
		case w.next <- struct{}{}:
		default: // there is a token already
		}
	}
	// Closed in between, by one that has left it to us.
	if w.closed.Load() && !w.freed.Load() && w.turn.CompareAndSwap(turnFree, turnTaken) {
		w.unlock()
	}
}

// aLongTimeAgo is a deadline that has passed.
var aLongTimeAgo = time.Unix(1, 0)

// wait returns when ready does: it is called at once, and after each event. The caller
// has the turn. If that is a loop, it looks at closed before it runs its body again.
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

// close wakes whoever waits, and has free called once nobody reads any more: before it returns,
// unless a loop's body is running, which may be what calls it. Then it is called when the loop
// ends.
func (w *waiter) close() {
	if w.closed.Swap(true) {
		return
	}
	w.file.Close()
	// A loop that is parked now finds out, when it wakes up, before it runs its body again.
	if w.wantTurn(nil, turnTaken, true) == nil {
		w.unlock()
	}
}
