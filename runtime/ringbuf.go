package runtime

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/errtype"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// RingBuf is a map of type ring buffer (BPF_MAP_TYPE_RINGBUF) whose records are Ts.
// T has the size and layout of the C type and holds no Go pointers; []byte is for records of several
// types or sizes, see [NewRawRingBuf].
type RingBuf[T any] struct {
	*Map
	decode decoder[T]
}

// NewRingBuf gives m the type of its records.
func NewRingBuf[T any](m *Map) RingBuf[T] { return RingBuf[T]{m, decodeFixed[T]} }

// NewRawRingBuf is for ring buffers whose records are not all of one type.
func NewRawRingBuf(m *Map) RingBuf[[]byte] { return RingBuf[[]byte]{m, decodeBytes} }

const (
	opRingBuf = "read ring buffer"

	ringBusy    = sys.RingbufBusyBit
	ringDiscard = sys.RingbufDiscardBit
	ringHeader  = sys.RingbufHdrSz
)

// RingBufReader takes records out of a ring buffer. A ring buffer has one
// reader: two would each miss what the other takes. It may be used by
// several goroutines, of which one reads at a time. It has resources of its own: it has to be closed,
// and works on after the skeleton is closed.
type RingBufReader[T any] struct {
	m      *Map
	decode decoder[T]
	wait   *waiter
	// ready is a method value, made once.
	ready func(uintptr) bool

	consumerPage, producerPages []byte
	consumer, producer          *uintptr // positions, in bytes, that only grow
	data                        []byte   // the ring, twice in a row, so that no record is in pieces
	mask                        uintptr
}

// Reader begins to read.
func (r RingBuf[T]) Reader() (*RingBufReader[T], error) {
	num, err := r.fd.dup()
	if err != nil {
		return nil, r.wrap(opRingBuf, err)
	}
	rd := &RingBufReader[T]{m: r.Map, decode: r.decode}
	rd.ready = func(uintptr) bool { return rd.some() }
	if err := rd.mapMemory(num); err != nil {
		unix.Close(num)
		return nil, r.wrap(opRingBuf, err)
	}
	if rd.wait, err = newWaiter(num, "ring buffer "+r.Name()); err != nil {
		rd.unmap()
		return nil, r.wrap(opRingBuf, err)
	}
	return rd, nil
}

// mapMemory maps the consumer's page, which is ours to write, and behind it the
// producer's page and the data (ringbuf_map_mmap_kern).
func (r *RingBufReader[T]) mapMemory(num int) (err error) {
	page, size := unix.Getpagesize(), int(r.m.MaxEntries())
	r.consumerPage, err = unix.Mmap(num, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map consumer page: %w", err)
	}
	r.producerPages, err = unix.Mmap(num, int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Munmap(r.consumerPage)
		return fmt.Errorf("map producer pages: %w", err)
	}
	r.consumer = (*uintptr)(unsafe.Pointer(&r.consumerPage[0]))
	r.producer = (*uintptr)(unsafe.Pointer(&r.producerPages[0]))
	r.data, r.mask = r.producerPages[page:], uintptr(size-1)
	return nil
}

func (r *RingBufReader[T]) unmap() {
	_ = unix.Munmap(r.consumerPage)
	_ = unix.Munmap(r.producerPages)
	r.data = nil
}

// next returns the first record and the position behind it. It passes discarded ones.
func (r *RingBufReader[T]) next() (record []byte, end uintptr, ok bool) {
	pos := atomic.LoadUintptr(r.consumer)
	for pos != atomic.LoadUintptr(r.producer) {
		at := pos & r.mask
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[at])))
		if header&ringBusy != 0 {
			return nil, pos, false // reserved, not submitted yet
		}
		size := uintptr(header &^ ringDiscard)
		end := pos + (size+ringHeader+7)&^7
		if header&ringDiscard == 0 {
			return r.data[at+ringHeader:][:size:size], end, true
		}
		pos = end
		atomic.StoreUintptr(r.consumer, pos)
	}
	return nil, pos, false
}

func (r *RingBufReader[T]) some() bool {
	_, _, ok := r.next()
	return ok
}

// Read returns the next record, and waits for it if there is none. It returns the
// context's error when the context ends, os.ErrClosed when the reader is closed, and a
// [*RecordSizeError] for a record that is no T, which it passes.
func (r *RingBufReader[T]) Read(ctx context.Context) (T, error) {
	if err := r.wait.lock(ctx); err != nil {
		var none T
		return none, r.m.wrap(opRingBuf, err)
	}
	defer r.wait.unlock()
	for {
		if t, ok, err := r.take(); ok {
			return t, err
		}
		if err := r.wait.wait(ctx, false, r.ready); err != nil {
			var none T
			return none, r.m.wrap(opRingBuf, err)
		}
	}
}

// TryRead is Read that does not wait: it returns false if there is no record.
// It finds also what was submitted with BPF_RB_NO_WAKEUP.
func (r *RingBufReader[T]) TryRead() (T, bool, error) {
	if mine, err := r.wait.tryLock(); !mine {
		var none T
		if err != nil {
			err = r.m.wrap(opRingBuf, err)
		}
		return none, false, err
	}
	defer r.wait.unlock()
	return r.take()
}

func (r *RingBufReader[T]) take() (T, bool, error) {
	record, end, ok := r.next()
	if !ok {
		var none T
		return none, false, nil
	}
	t, err := r.decode(record, 0)
	atomic.StoreUintptr(r.consumer, end)
	if err != nil {
		return t, true, &MapError{r.m.Name(), opRingBuf, err}
	}
	return t, true, nil
}

// All reads records until the context ends or the reader is closed, which is
// the last error. Records that are no Ts are an error each, and do not end it.
func (r *RingBufReader[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			t, err := r.Read(ctx)
			if !yield(t, err) || (err != nil && !isRecordSize(err)) {
				return
			}
		}
	}
}

func isRecordSize(err error) bool {
	_, ok := errtype.Of[*RecordSizeError](err)
	return ok
}

// Size returns how many bytes the ring buffer has.
func (r *RingBufReader[T]) Size() int { return int(r.mask) + 1 }

// Close ends reading: who waits in Read gets os.ErrClosed. Closing twice is fine.
func (r *RingBufReader[T]) Close() error {
	r.wait.close(r.unmap)
	return nil
}
