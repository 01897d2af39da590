package runtime

import (
	"context"
	"iter"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// RingBuf is a map of type ring buffer (BPF_MAP_TYPE_RINGBUF), whose records are of type T. T must
// have the size and layout of the C type, and must not contain Go pointers; use []byte for records
// of several types or sizes. With the flag BPF_F_RB_OVERWRITE (6.19), new records overwrite the
// oldest ones if there is no room.
type RingBuf[T any] struct{ ref }

// NewRingBuf returns m as a RingBuf; see [NewHashMap].
func NewRingBuf[T any](m *Map) *RingBuf[T] {
	m.spec()
	return (*RingBuf[T])(unsafe.Pointer(m))
}

const opRingBuf = "read ring buffer"

// Reader starts reading. A ring buffer has one reader at a time: until it is closed, another Reader
// call in this process fails with EBUSY, because each reader would miss what the other reads.
func (b *RingBuf[T]) Reader() (*RingBufReader[T], error) {
	r := &RingBufReader[T]{raw: isBytes((*T)(nil))}
	if err := r.r.open((*Map)(unsafe.Pointer(b))); err != nil {
		return nil, err
	}
	return r, nil
}

// RingBufReader reads records from a ring buffer. It is safe for concurrent use, but only one
// goroutine reads at a time. It has its own resources: it must be closed, and keeps working after
// the skeleton is closed.
type RingBufReader[T any] struct {
	r   ringReader
	raw bool // T is []byte
}

func (r *RingBufReader[T]) core() *ringReader { return (*ringReader)(unsafe.Pointer(r)).checked() }

// Read returns the next record, and waits until there is one. It returns the context's error when
// the context ends, and os.ErrClosed when the reader is closed. If a record is not a T, Read skips
// it and returns a [*RecordSizeError]. Read copies each record; a loop over Iterate is faster.
func (r *RingBufReader[T]) Read(ctx context.Context) (t T, err error) {
	c := r.core()
	if !r.raw {
		// The usual case: there is a record, it is a T, and no one else is reading.
		if p := c.takeFast(ctx, uint32(unsafe.Sizeof(t))); p != nil {
			t = *(*T)(p)
			c.done(c.mem.pos + taken(uint32(unsafe.Sizeof(t))))
			return t, nil
		}
	}
	rec, err := c.take(ctx)
	if err != nil {
		return t, err
	}
	switch {
	case r.raw:
		*(*[]byte)(unsafe.Pointer(&t)) = rec.clone()
	case uintptr(rec.size) == unsafe.Sizeof(t):
		t = *(*T)(rec.bytes)
	default:
		err = c.wrongSize(&rec, unsafe.Sizeof(t))
	}
	c.done(rec.end)
	return t, err
}

// TryRead is like Read, but does not wait: it returns false if there is no record. It also finds
// records that were submitted with BPF_RB_NO_WAKEUP.
func (r *RingBufReader[T]) TryRead() (t T, ok bool, err error) {
	c := r.core()
	rec, ok, err := c.tryTake()
	if !ok {
		return t, false, err
	}
	switch {
	case r.raw:
		*(*[]byte)(unsafe.Pointer(&t)) = rec.clone()
	case uintptr(rec.size) == unsafe.Sizeof(t):
		t = *(*T)(rec.bytes)
	default:
		err = c.wrongSize(&rec, unsafe.Sizeof(t))
	}
	c.done(rec.end)
	return t, true, err
}

// Iterate returns an iterator over the records; see [RingBufIterator].
func (r *RingBufReader[T]) Iterate(ctx context.Context) *RingBufIterator[T] {
	return &RingBufIterator[T]{l: ringLoop{r: r.core(), ctx: ctx}, raw: r.raw}
}

// Consume returns an iterator over the records that are present when its loop begins. It does not
// wait, and Err is nil after the last record. If another goroutine is waiting in Read, the iterator
// is empty.
func (r *RingBufReader[T]) Consume() *RingBufIterator[T] {
	return &RingBufIterator[T]{l: ringLoop{r: r.core()}, raw: r.raw}
}

// Backlog returns how many bytes of records, including 8 bytes for each record's header, were
// waiting when the reader last checked, which it does when it has read all records that it knew of.
// A reader is too slow if its backlog approaches Size. Backlog costs nothing, and may be called
// anywhere, including the body of a loop.
func (r *RingBufReader[T]) Backlog() int { return int(r.core().mem.backlog.Load()) }

// Size returns the size of the ring buffer in bytes.
func (r *RingBufReader[T]) Size() int { return int(r.core().mem.size) }

// Lost returns how many bytes of a ring buffer with BPF_F_RB_OVERWRITE were overwritten before they
// were read, up to the reader's position. Other ring buffers lose nothing: programs get an error if
// there is no room.
func (r *RingBufReader[T]) Lost() uint64 { return r.core().mem.lost.Load() }

// Close stops reading. Goroutines that wait in Read or in a loop get os.ErrClosed. In the body of a
// loop, it ends the loop. Closing twice is fine.
func (r *RingBufReader[T]) Close() error {
	r.core().wait.close()
	return nil
}

// RingBufIterator iterates over the records of a ring buffer, and waits for more until the context
// ends or the reader is closed:
//
//	it := r.Iterate(ctx)
//	for e := range it.All() {
//		...
//	}
//	if err := it.Err(); !errors.Is(err, context.Canceled) {
//		...
//	}
//
// While a loop is running, reading elsewhere with the same reader is an error (EBUSY). The loop
// releases room to the kernel, and checks the context, once per few KiB of records, at most an
// eighth of the ring buffer. An iterator must not be used concurrently.
type RingBufIterator[T any] struct {
	l   ringLoop
	raw bool
	row []byte // what Borrow's pointer points to if T is []byte
}

// All iterates over the records. A record that is not a T ends the loop, and Err returns a
// [*RecordSizeError]. Another loop continues after that record. Go copies a large T twice on its
// way into the loop's body: from 500 bytes on, Borrow is several times as fast.
func (it *RingBufIterator[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		l := &it.l
		defer l.end()
		for l.begin(); l.more(unsafe.Sizeof(*new(T))); {
			if l.canBorrow(unsafe.Sizeof(*new(T)), it.raw) {
				for p := l.next(uint32(unsafe.Sizeof(*new(T)))); p != nil; p = l.next(uint32(unsafe.Sizeof(*new(T)))) {
					if !yield(*(*T)(p)) {
						return
					}
				}
				continue
			}
			var t T
			switch {
			case it.raw:
				*(*[]byte)(unsafe.Pointer(&t)) = l.record.clone()
			case uintptr(l.record.size) != unsafe.Sizeof(t):
				l.wrongSize(unsafe.Sizeof(t))
				return
			default:
				t = *(*T)(l.record.bytes)
			}
			l.used = l.record.end
			if !yield(t) {
				return
			}
		}
	}
}

// Borrow is like All, but does not copy records: the pointer refers to the record in the ring
// buffer, and is valid until the next iteration. The memory is read-only. For a ring buffer with
// BPF_F_RB_OVERWRITE, the pointer refers to a copy.
func (it *RingBufIterator[T]) Borrow() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		l := &it.l
		defer l.end()
		for l.begin(); l.more(unsafe.Sizeof(*new(T))); {
			var t *T
			switch {
			case it.raw:
				it.row = l.record.slice()
				t = (*T)(unsafe.Pointer(&it.row))
			case uintptr(l.record.size) != unsafe.Sizeof(*t):
				l.wrongSize(unsafe.Sizeof(*t))
				return
			case l.fast:
				for p := l.next(uint32(unsafe.Sizeof(*t))); p != nil; p = l.next(uint32(unsafe.Sizeof(*t))) {
					if !yield((*T)(p)) {
						return
					}
				}
				continue
			default:
				t = (*T)(l.record.bytes)
			}
			l.used = l.record.end
			if !yield(t) {
				return
			}
		}
	}
}

// Err returns the error that ended the last loop: the context's error, os.ErrClosed, a
// [*RecordSizeError], or a problem with the ring buffer, each in a [*MapError]. It is nil if the
// loop's body left the loop.
func (it *RingBufIterator[T]) Err() error { return it.l.err }

// ringReader is a reader of records of any type.
type ringReader struct {
	mem   ring
	m     *Map
	claim claim
	wait  *waiter
	ready func(uintptr) bool // allocated once
}

// noReader is the panic message for a nil or zero reader or writer.
const noReader = "bpf2lskel/runtime: use of a nil or zero reader or writer: call the Reader or Writer method of a map"

func (r *ringReader) checked() *ringReader {
	if r == nil || r.wait == nil {
		panic(noReader)
	}
	return r
}

func (r *ringReader) open(m *Map) error {
	num, err := m.file().dup()
	if err != nil {
		return m.wrap(opRingBuf, err)
	}
	r.m = m
	if r.claim, err = m.claim(sys.MapTypeRingBuf); err != nil {
		unix.Close(num)
		return m.wrap(opRingBuf, err)
	}
	if err := r.mem.mmap(num, m.MaxEntries(), m.Spec().Flags); err != nil {
		r.claim.end()
		unix.Close(num)
		return m.wrap(opRingBuf, err)
	}
	r.ready = func(uintptr) bool {
		var one [1]record
		n, err := r.mem.scan(one[:])
		return n > 0 || err != nil
	}
	if r.wait, err = newWaiter(num, "ring buffer "+m.Name(), r.free); err != nil {
		r.free()
		return m.wrap(opRingBuf, err)
	}
	return nil
}

func (r *ringReader) free() {
	r.mem.munmap()
	r.claim.end()
}

// take returns the next record, and holds the turn until done.
func (r *ringReader) take(ctx context.Context) (record, error) {
	if err := r.wait.lock(ctx, turnTaken); err != nil {
		return record{}, r.m.wrap(opRingBuf, err)
	}
	for {
		var one [1]record
		n, err := r.mem.scan(one[:])
		if n > 0 {
			return one[0], nil
		}
		if err == nil {
			err = r.wait.wait(ctx, false, r.ready)
		}
		if err != nil {
			r.wait.unlock()
			return record{}, r.m.wrap(opRingBuf, err)
		}
	}
}

// takeFast is take for a record that is already there. It returns the bytes of a record of the
// given size, or nil in all other cases.
func (r *ringReader) takeFast(ctx context.Context, size uint32) unsafe.Pointer {
	if ctx.Err() != nil || !r.wait.turn.CompareAndSwap(turnFree, turnTaken) {
		return nil
	}
	m := &r.mem
	if !r.wait.closed.Load() && m.overwritten == nil && (m.pos != m.end || m.look() == nil) {
		if p := m.fast(m.pos, size); p != nil {
			return p
		}
	}
	r.wait.unlock()
	return nil
}

// tryTake is take without waiting.
func (r *ringReader) tryTake() (record, bool, error) {
	mine, err := r.wait.tryLock(turnTaken)
	if !mine {
		if err != nil {
			err = r.m.wrap(opRingBuf, err)
		}
		return record{}, false, err
	}
	var one [1]record
	n, err := r.mem.scan(one[:])
	if n > 0 {
		return one[0], true, nil
	}
	r.wait.unlock()
	if err != nil {
		err = r.m.wrap(opRingBuf, err)
	}
	return record{}, false, err
}

// done ends the turn that take began.
func (r *ringReader) done(pos uint64) {
	r.mem.release(pos)
	r.wait.unlock()
}

func (r *ringReader) wrongSize(rec *record, size uintptr) error {
	return newMapError(r.m.Name(), opRingBuf, &RecordSizeError{Record: int(rec.size), Type: int(size)})
}

// ringLoop is a loop over records of any type.
type ringLoop struct {
	r      *ringReader
	ctx    context.Context // nil for a loop that does not wait
	err    error
	turn   bool
	fast   bool   // the ring lends
	record record // the next one
	used   uint64 // position after what was handed out
	limit  uint64 // position at which to do something other than handing out records
	until  uint64 // position at which a loop that does not wait ends
	found  bool   // a record has been found

	data   unsafe.Pointer // the ring's
	mask   uint64
	closed *atomic.Bool
}

// begin waits for the turn, which the loop keeps until end.
func (l *ringLoop) begin() {
	w := l.r.checked().wait
	if l.ctx == nil {
		l.turn, l.err = w.tryLock(turnLoop)
	} else {
		l.err = w.lock(l.ctx, turnLoop)
		l.turn = l.err == nil
	}
	if l.err != nil {
		l.err = l.r.m.wrap(opRingBuf, l.err)
	}
	if !l.turn {
		return
	}
	m := &l.r.mem
	l.until, l.found = loadPosition(m.producer, m.pos), false
	l.fast, l.used = m.overwritten == nil, m.pos
	l.data, l.mask, l.closed = unsafe.Pointer(&m.data[0]), m.size-1, &l.r.wait.closed
}

// end releases what has been read, and the turn. It is called however the loop ends.
func (l *ringLoop) end() {
	if l.turn {
		l.release()
		l.turn = false
		l.r.wait.unlock()
	}
}

func (l *ringLoop) release() {
	if l.used != l.r.mem.pos {
		l.r.mem.release(l.used)
	}
}

// more finds a record, and waits for it. It returns false, with err, if there will be none. size is
// the size of the requested type.
func (l *ringLoop) more(size uintptr) bool {
	if !l.turn {
		return false
	}
	l.release()
	m := &l.r.mem
	var err error
	if l.ctx != nil {
		err = l.ctx.Err()
	}
	for err == nil {
		if l.ctx == nil && l.found && int64(l.until-m.pos) <= 0 {
			return false
		}
		if l.r.wait.closed.Load() {
			err = os.ErrClosed
			break
		}
		var one [1]record
		var n int
		if n, err = m.scan(one[:]); n > 0 {
			l.record, l.used = one[0], one[0].end-taken(one[0].size) // after discarded ones
			// Up to here, a record of that size fits into the bytes that are present.
			l.limit = min(m.pos+min(m.size/8, 4096), m.end-uint64(size)-ringHeader+1)
			if l.ctx == nil {
				l.found, l.limit = true, max(min(l.limit, l.until), l.used+1)
			}
			return true
		}
		if err == nil && l.ctx == nil {
			l.used = m.pos
			return false // the remaining records are not submitted yet
		}
		if err == nil {
			err = l.r.wait.wait(l.ctx, false, l.r.ready)
		}
		l.used = m.pos // scan may have advanced: nothing has been handed out since
	}
	l.err = l.r.m.wrap(opRingBuf, err)
	return false
}

// canBorrow reports whether next can return the record that more has found: the record has the
// right size, and the ring lends.
func (l *ringLoop) canBorrow(size uintptr, raw bool) bool {
	return l.fast && !raw && uintptr(l.record.size) == size
}

// next returns the bytes of the next record, or nil if more must be called first. It is called
// after more has found a record of that size in a ring that lends.
func (l *ringLoop) next(size uint32) unsafe.Pointer {
	p := unsafe.Add(l.data, l.used&l.mask)
	if l.used >= l.limit || atomic.LoadUint32((*uint32)(p)) != size || l.closed.Load() {
		return nil // or it is discarded, not submitted yet, or of another size
	}
	l.used += taken(size)
	return unsafe.Add(p, ringHeader)
}

func (l *ringLoop) wrongSize(size uintptr) {
	l.err = l.r.wrongSize(&l.record, size)
	l.used = l.record.end
}
