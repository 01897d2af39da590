package runtime

import (
	"os"
	"sync/atomic"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// incomparable is for structs that nobody compares. It is the first field, where it takes no room:
// type descriptors refer to the code that compares two, which is 4 KB in a small program.
type incomparable = [0][]byte

// An fd is a file descriptor that several goroutines may use while one closes
// it: the last user closes it for real, and those that come later get
// os.ErrClosed rather than a number that means another file by now.
//
// The zero fd is one that was never opened: the runtime never gets to own fd 0.
type fd struct {
	_ incomparable

	// state counts users, and is negative once the fd is being closed.
	state atomic.Int32
	num   atomic.Int32
}

// fdClosing is added to state by close. There are never as many users.
const fdClosing = -1 << 30

// notWanted is the number of an fd that is not going to be opened.
const notWanted = -1

// set gives f its number. It may be called before f is shared.
func (f *fd) set(num int) { f.num.Store(int32(num)) }

// give is set for an f that may have been closed before it had a number: then the file is closed at
// once.
func (f *fd) give(num int) {
	f.set(num)
	if f.state.Load() < 0 {
		f.shut()
	}
}

// acquire returns the number of f, which stays what it is until release.
func (f *fd) acquire() (int, error) {
	if f.state.Add(1) < 0 {
		f.release()
		return -1, os.ErrClosed
	}
	num := f.num.Load()
	if num <= 0 {
		f.release()
		return -1, os.ErrClosed
	}
	return int(num), nil
}

// release ends what acquire began.
func (f *fd) release() {
	if f.state.Add(-1) == fdClosing {
		f.shut()
	}
}

// close closes f once no one uses it any more. Closing twice is fine.
func (f *fd) close() {
	for {
		old := f.state.Load()
		if old < 0 {
			return
		}
		if f.state.CompareAndSwap(old, old+fdClosing) {
			if old == 0 {
				f.shut()
			}
			return
		}
	}
}

// shut closes the file. Late callers of acquire may bring the state back to
// fdClosing, so it can be called again.
func (f *fd) shut() {
	if num := f.num.Load(); num > 0 && f.num.CompareAndSwap(num, 0) {
		unix.Close(int(num))
	}
}

// peek returns the number of f without holding it, -1 if f is closed. It
// is for printing and for callers that know f to be open.
func (f *fd) peek() int {
	num := f.num.Load()
	if num <= 0 || f.state.Load() < 0 {
		return -1
	}
	return int(num)
}

// dup returns a duplicate of f with close-on-exec set, owned by the caller.
func (f *fd) dup() (int, error) {
	num, err := f.acquire()
	if err != nil {
		return -1, err
	}
	defer f.release()
	n, err := sys.Dup(num)
	if err != nil {
		return -1, err
	}
	return n, nil
}
