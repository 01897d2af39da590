package runtime

import (
	"context"
	"iter"
	"unsafe"
)

// PerfEventArray is a map of type perf event array (BPF_MAP_TYPE_PERF_EVENT_ARRAY)
// whose records are Ts: what programs write with bpf_perf_event_output. T has the size and layout
// of the C type and holds no Go pointers; []byte is for records of several types or sizes. The
// kernel pads records: up to 7 bytes may follow what the program wrote.
type PerfEventArray[T any] struct{ ref }

// NewPerfEventArray returns m with the type of its records.
func NewPerfEventArray[T any](m *Map) *PerfEventArray[T] {
	m.spec()
	return (*PerfEventArray[T])(unsafe.Pointer(m))
}

const opPerfArray = "read perf event array"

// PerfOptions are for [PerfEventArray.Reader]; the zero value is good.
type PerfOptions struct {
	// Pages is the size of each CPU's buffer, in memory pages: a power of two. 0 means 64.
	Pages int
	// Wakeup is after how many bytes of records a reader that waits is woken; 0
	// means after each record.
	Wakeup int
}

// PerfRecord is a record and where it comes from.
type PerfRecord[T any] struct {
	Value T
	CPU   int
	// Lost is how many records got lost on this CPU, for lack of room, since the record before.
	Lost uint64
}

// Reader begins to read. A perf event array has one reader at a time: as long as it is not closed,
// another one in this process is refused (EBUSY), since it would take the place of the first.
func (a *PerfEventArray[T]) Reader(opts PerfOptions) (*PerfReader[T], error) {
	r := &PerfReader[T]{raw: isBytes((*T)(nil))}
	if err := r.r.open((*Map)(unsafe.Pointer(a)), opts); err != nil {
		return nil, err
	}
	return r, nil
}

// PerfReader takes records out of a perf event array: it opens a perf event on each CPU that is
// online. It may be used by several goroutines, of which
// one reads at a time. It has to be closed, and works on after the skeleton is closed.
type PerfReader[T any] struct {
	r   perfReader
	raw bool // T is []byte
}

func (r *PerfReader[T]) core() *perfReader { return (*perfReader)(unsafe.Pointer(r)).checked() }

// Read returns the next record of any CPU, and waits for it if there is none. Records of one CPU
// come in their order. It returns the context's error when the context ends, os.ErrClosed when the
// reader is closed, and a [*RecordSizeError] for a record that is not a T, which it passes.
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

// TryRead is Read that does not wait: it returns false if there is no record.
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

// Consume returns an iterator over the records that are there when its loop begins. It waits for
// none, and Err is nil after the last. (If another goroutine waits in Read, there are none.)
func (r *PerfReader[T]) Consume() *PerfIterator[T] {
	return &PerfIterator[T]{l: perfLoop{r: r.core()}, raw: r.raw}
}

// Backlog returns how many bytes of records were waiting in the buffer of the CPU that was last
// read from, when the reader looked there. A reader whose backlog comes near the size of a CPU's
// buffer is too slow. It costs nothing, and may be called from anywhere, a loop's body included.
func (r *PerfReader[T]) Backlog() int { return int(r.core().backlog.Load()) }

// Lost returns how many records were lost on all CPUs, as far as the reader has read.
func (r *PerfReader[T]) Lost() uint64 { return r.core().lost.Load() }

// Close ends reading: whoever waits in Read, or in a loop, gets os.ErrClosed. Closing twice is
// fine. In the body of a loop it has the loop end.
func (r *PerfReader[T]) Close() error {
	r.core().wait.close()
	return nil
}

// PerfIterator iterates over the records of a perf event array, and waits for them, until the
// context ends or the reader is closed. It is used as [RingBufIterator] is.
type PerfIterator[T any] struct {
	l   perfLoop
	raw bool
	row PerfRecord[T] // what Borrow's pointer points to
}

// All iterates over the records. A record that is not a T ends the loop: Err is a
// [*RecordSizeError] then, and another loop goes on after that record.
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

// Borrow is All without a copy for each record: the pointer, and if T is []byte what it points to,
// is good until the loop goes on.
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

// Err returns what has ended the last loop: the context's error, os.ErrClosed, a
// [*RecordSizeError], or what is wrong with a CPU's buffer, each in a [*MapError]. It is nil if the
// loop's body left it.
func (it *PerfIterator[T]) Err() error { return it.l.err }
