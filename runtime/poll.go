package runtime

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// waiter waits through Go's poller for a file descriptor to become ready: it parks the goroutine,
// but not a thread. It also decides whose turn it is to read.
//
// What it waits for is memory that the kernel writes rather than the state of the file descriptor,
// so a callback decides about readiness. The poller resets its event before it first calls the
// callback, and the kernel sends an event after it has changed the memory, so no wake-up is lost in
// between.
type waiter struct {
	file *os.File
	raw  syscall.RawConn
	// turn says who reads; see turnFree and the other constants. A goroutine that waits for its
	// turn waits for a token in next.
	turn   atomic.Uint32
	next   chan struct{}
	closed atomic.Bool
	// parked is set while the goroutine that has the turn waits.
	parked atomic.Bool
	// free releases the resources, when the last turn after close ends.
	free  func()
	freed atomic.Bool
	// bells wake up Pollers: when the reader is closed, and when a goroutine that has waited for a
	// record stops waiting, because the kernel does not tell of records that come before it reads.
	bells struct {
		sync.Mutex
		list []bell
	}
}

// bell is an eventfd in a Poller's epoll instance.
type bell int

func (w *waiter) addBell(b bell) {
	w.bells.Lock()
	defer w.bells.Unlock()
	w.bells.list = append(w.bells.list, b)
}

func (w *waiter) removeBell(b bell) {
	w.bells.Lock()
	defer w.bells.Unlock()
	w.bells.list = slices.DeleteFunc(w.bells.list, func(other bell) bool { return other == b })
}

func (w *waiter) ringBells() {
	w.bells.Lock()
	defer w.bells.Unlock()
	for _, b := range w.bells.list {
		// An eventfd counts: only its changes matter, and nothing reads it.
		one := [8]byte{1}
		_, _ = unix.Write(int(b), one[:])
	}
}

const (
	turnFree  = 0
	turnTaken = 1
	// turnLoop is for a loop, which keeps the turn until it ends. Other goroutines are refused,
	// because one could otherwise wait for itself.
	turnLoop = 2
	// turnWaited is added if another goroutine waits.
	turnWaited = 4
)

// errInLoop is the error for a caller that would have to wait for a loop.
var errInLoop error = &sentinelError{text: "a loop over this reader is running: read in the loop, or after it ends", errno: unix.EBUSY}

// newWaiter takes ownership of the file descriptor. It calls free after close, once no one is
// reading.
func newWaiter(num int, name string, free func()) (*waiter, error) {
	err := roomForPoller()
	if err == nil {
		err = unix.SetNonblock(num, true) // otherwise os.NewFile uses blocking calls
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

// pollerRuns is set once a waiter has started Go's poller.
var pollerRuns atomic.Bool

// roomForPoller opens what Go's poller opens when it starts. If the poller cannot open it, the
// process ends ("netpollinit failed") instead of getting EMFILE or ENFILE. If something else has
// already started the poller, roomForPoller may refuse a reader needlessly, for lack of two file
// descriptors.
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

// lock waits for the caller's turn, which is turnTaken or turnLoop. unlock ends it.
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

// errCanceled means that wantTurn was canceled.
var errCanceled = errors.New("canceled")

// wantTurn waits for the caller's turn. It does not wait for a loop, unless the loop is in wait and
// need is set.
func (w *waiter) wantTurn(canceled <-chan struct{}, turn uint32, need bool) error {
	for {
		old := w.turn.Load()
		switch {
		case old == turnFree:
			// Others may be waiting: make unlock send a token.
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

// tryLock is lock, but returns false if the goroutine that has the turn waits.
func (w *waiter) tryLock(turn uint32) (bool, error) {
	for !w.turn.CompareAndSwap(turnFree, turn) {
		switch old := w.turn.Load(); {
		case old == turnFree:
		case old&turnLoop != 0:
			return false, errInLoop
		case w.parked.Load():
			return false, nil
		default:
			runtime.Gosched() // the goroutine that has the turn is copying a record
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
		default: // a token is already there
		}
	}
	// Another goroutine has called close meanwhile, and left it to this one to free.
	if w.closed.Load() && !w.freed.Load() && w.turn.CompareAndSwap(turnFree, turnTaken) {
		w.unlock()
	}
}

// aLongTimeAgo is a deadline in the past.
var aLongTimeAgo = time.Unix(1, 0)

// wait returns when ready returns true. It calls ready immediately, and after each event. The
// caller has the turn. If it is a loop, it checks closed before it runs its body again.
func (w *waiter) wait(ctx context.Context, write bool, ready func(uintptr) bool) error {
	w.parked.Store(true)
	defer func() {
		w.parked.Store(false)
		w.ringBells()
	}()
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

// close wakes all waiting goroutines, and frees the resources once no one is reading. That is
// before close returns, unless the body of a loop is running, which may be what calls close: then
// it is when the loop ends.
func (w *waiter) close() {
	if w.closed.Swap(true) {
		return
	}
	w.file.Close()
	w.ringBells()
	// A loop that is parked now notices when it wakes up, before it runs its body again.
	if w.wantTurn(nil, turnTaken, true) == nil {
		w.unlock()
	}
}
