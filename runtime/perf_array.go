package runtime

import (
	"context"
	"iter"
	"unsafe"
)

// PerfEventArray is a map of type perf event array (BPF_MAP_TYPE_PERF_EVENT_ARRAY), whose records,
// which programs write with bpf_perf_event_output, are of type T. T must have the size and layout
// of the C type, and must not contain Go pointers; use []byte for records of several types or
// sizes. The kernel pads records: up to 7 bytes may follow what the program wrote.
type PerfEventArray[T any] struct{ ref }

// NewPerfEventArray returns m as a PerfEventArray; see [NewHashMap].
func NewPerfEventArray[T any](m *Map) *PerfEventArray[T] {
	m.spec()
	return (*PerfEventArray[T])(unsafe.Pointer(m))
}

const opPerfArray = "read perf event array"

// PerfOptions are options for [PerfEventArray.Reader]. The zero value means the defaults.
type PerfOptions struct {
	// Pages is the size of each CPU's buffer, in memory pages. It must be a power of two. Zero
	// means 64.
	Pages int
	// Wakeup is the number of bytes of records after which a waiting reader is woken. Zero means
	// after each record.
	Wakeup int
}

// PerfRecord is a record and its origin.
type PerfRecord[T any] struct {
	Value T
	CPU   int
	// Lost is the number of records lost on this CPU, for lack of room, since the previous record.
	Lost uint64
}

// Reader starts reading. A perf event array has one reader at a time: until it is closed, another
// Reader call in this process fails with EBUSY, because the new reader would replace it.
func (a *PerfEventArray[T]) Reader(opts PerfOptions) (*PerfReader[T], error) {
	r := &PerfReader[T]{raw: isBytes((*T)(nil))}
	if err := r.r.open((*Map)(unsafe.Pointer(a)), opts); err != nil {
		return nil, err
	}
	return r, nil
}

// PerfReader reads records from a perf event array. It opens a perf event on each online CPU. It is
// safe for concurrent use, but only one goroutine reads at a time. It must be closed, and keeps
// working after the skeleton is closed.
type PerfReader[T any] struct {
	r   perfReader
	raw bool // T is []byte
}

func (r *PerfReader[T]) core() *perfReader { return (*perfReader)(unsafe.Pointer(r)).checked() }

// Read returns the next record of any CPU, and waits until there is one. Records of the same CPU
// arrive in order. Read returns the context's error when the context ends, and os.ErrClosed when
// the reader is closed. If a record is not a T, Read skips it and returns a [*RecordSizeError].
func (r *PerfReader[T]) Read(ctx context.Context) (PerfRecord[T], error) {
	var found PerfRecord[T]
	c := r.core()
	rec, ring, err := c.take(ctx)
	if err == nil {
		found.CPU, found.Lost = ring.cpu, rec.lost
		err = c.load(&rec, unsafe.Pointer(&found.Value), unsafe.Sizeof(found.Value), r.raw)
		c.done(&rec, ring)
	}
	return found, err
}

// TryRead is like Read, but does not wait: it returns false if there is no record.
func (r *PerfReader[T]) TryRead() (PerfRecord[T], bool, error) {
	var found PerfRecord[T]
	c := r.core()
	rec, ring, ok, err := c.tryTake()
	if ok {
		found.CPU, found.Lost = ring.cpu, rec.lost
		err = c.load(&rec, unsafe.Pointer(&found.Value), unsafe.Sizeof(found.Value), r.raw)
		c.done(&rec, ring)
	}
	return found, ok, err
}

// Iterate returns an iterator over the records; see [PerfIterator].
func (r *PerfReader[T]) Iterate(ctx context.Context) *PerfIterator[T] {
	return &PerfIterator[T]{l: perfLoop{r: r.core(), ctx: ctx}, raw: r.raw}
}

// Consume returns an iterator over the records that are present when its loop begins. It does not
// wait, and Err is nil after the last record. If another goroutine is waiting in Read, the iterator
// is empty.
func (r *PerfReader[T]) Consume() *PerfIterator[T] {
	return &PerfIterator[T]{l: perfLoop{r: r.core()}, raw: r.raw}
}

// Backlog returns how many bytes of records were waiting in the buffer of the CPU that was read
// last, when the reader last checked it. A reader is too slow if its backlog approaches the size of
// a CPU's buffer. Backlog costs nothing, and may be called anywhere, including the body of a loop.
func (r *PerfReader[T]) Backlog() int { return int(r.core().backlog.Load()) }

// Lost returns how many records were lost on all CPUs, up to the reader's position.
func (r *PerfReader[T]) Lost() uint64 { return r.core().lost.Load() }

// Close stops reading. Goroutines that wait in Read or in a loop get os.ErrClosed. In the body of a
// loop, it ends the loop. Closing twice is fine.
func (r *PerfReader[T]) Close() error {
	r.core().wait.close()
	return nil
}

// PerfIterator iterates over the records of a perf event array, and waits for more until the
// context ends or the reader is closed. It is used like [RingBufIterator].
type PerfIterator[T any] struct {
	l   perfLoop
	raw bool
	row PerfRecord[T] // what Borrow's pointer points to
}

// All iterates over the records. A record that is not a T ends the loop, and Err returns a
// [*RecordSizeError]. Another loop continues after that record.
func (it *PerfIterator[T]) All() iter.Seq[PerfRecord[T]] {
	return func(yield func(PerfRecord[T]) bool) {
		l := &it.l
		defer l.end()
		for l.begin(); l.more(); {
			for i := range l.n {
				rec := l.at(i)
				if rec == nil {
					return
				}
				found := PerfRecord[T]{CPU: l.ring.cpu, Lost: rec.lost}
				if l.err = l.r.load(rec, unsafe.Pointer(&found.Value), unsafe.Sizeof(found.Value), it.raw); l.err != nil || !yield(found) {
					return
				}
			}
		}
	}
}

// Borrow is like All, but does not copy records. The pointer, and if T is []byte also the bytes,
// are valid until the next iteration.
func (it *PerfIterator[T]) Borrow() iter.Seq[*PerfRecord[T]] {
	return func(yield func(*PerfRecord[T]) bool) {
		l := &it.l
		defer l.end()
		for l.begin(); l.more(); {
			for i := range l.n {
				rec := l.at(i)
				if rec == nil {
					return
				}
				it.row.CPU, it.row.Lost = l.ring.cpu, rec.lost
				if it.raw {
					*(*[]byte)(unsafe.Pointer(&it.row.Value)) = rec.slice()
				} else if l.err = l.r.load(rec, unsafe.Pointer(&it.row.Value), unsafe.Sizeof(it.row.Value), false); l.err != nil {
					return
				}
				if !yield(&it.row) {
					return
				}
			}
		}
	}
}

// Err returns the error that ended the last loop: the context's error, os.ErrClosed, a
// [*RecordSizeError], or a problem with a CPU's buffer, each in a [*MapError]. It is nil if the
// loop's body left the loop.
func (it *PerfIterator[T]) Err() error { return it.l.err }
