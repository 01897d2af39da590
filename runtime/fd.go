package runtime

import (
	"os"
	"sync/atomic"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// incomparable marks structs that are never compared. It is the first field, where it takes no
// space. Without it, type descriptors refer to comparison code, which is 4 KB in a small program.
type incomparable = [0][]byte

// An fd is a file descriptor that several goroutines may use while another closes it. The last user
// closes the file; later users get os.ErrClosed, rather than a number that may refer to a different
// file by then.
//
// The zero fd was never opened: the runtime never owns fd 0.
type fd struct {
	_ incomparable

	// state is the number of users, and is negative once the fd is being closed.
	state atomic.Int32
	num   atomic.Int32
}

// fdClosing is added to state by close. Its magnitude exceeds any number of users.
const fdClosing = -1 << 30

// notWanted is the number of an fd that will not be opened.
const notWanted = -1

// set gives f its number. It may be called before f is shared.
func (f *fd) set(num int) { f.num.Store(int32(num)) }

// give is like set, but f may have been closed before it had a number: the file is then closed
// immediately.
func (f *fd) give(num int) {
	f.set(num)
	if f.state.Load() < 0 {
		f.shut()
	}
}

// acquire returns the number of f, which stays valid until release.
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

// release ends the use that acquire began.
func (f *fd) release() {
	if f.state.Add(-1) == fdClosing {
		f.shut()
	}
}

// close closes f once it is no longer in use. Closing twice is fine.
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

// shut closes the file. Late calls of acquire may bring the state back to fdClosing, so it can be
// called more than once.
func (f *fd) shut() {
	if num := f.num.Load(); num > 0 && f.num.CompareAndSwap(num, 0) {
		unix.Close(int(num))
	}
}

// peek returns the number of f without holding it, or -1 if f is closed. It is for printing, and
// for callers that know f is open.
func (f *fd) peek() int {
	num := f.num.Load()
	if num <= 0 || f.state.Load() < 0 {
		return -1
	}
	return int(num)
}

// dup returns a duplicate of f with close-on-exec set. The caller owns it.
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
