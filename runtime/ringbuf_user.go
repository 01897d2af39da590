package runtime

import (
	"context"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// UserRingBuf is a map of type user ring buffer (BPF_MAP_TYPE_USER_RINGBUF,
// 6.1): user space writes Ts to it, and a program reads them with bpf_user_ringbuf_drain, when it
// happens to run. []byte is for records of several types or sizes.
type UserRingBuf[T any] struct{ ref }

// NewUserRingBuf returns m with the type of its records.
func NewUserRingBuf[T any](m *Map) *UserRingBuf[T] {
	m.spec()
	return (*UserRingBuf[T])(unsafe.Pointer(m))
}

const opUserRingBuf = "write user ring buffer"

// Writer begins to write. A user ring buffer has one writer at a time: as long as it is not closed,
// another one in this process is refused (EBUSY), since two would overwrite each other's records.
func (u *UserRingBuf[T]) Writer() (*UserRingBufWriter[T], error) {
	w := &UserRingBufWriter[T]{raw: isBytes((*T)(nil))}
	if err := w.w.open((*Map)(unsafe.Pointer(u))); err != nil {
		return nil, err
	}
	return w, nil
}

// UserRingBufWriter puts records into a user ring buffer. It may be used by several goroutines. It
// has to be closed, and works on after the skeleton is closed.
type UserRingBufWriter[T any] struct {
	w   ringWriter
	raw bool // T is []byte
}

func (w *UserRingBufWriter[T]) core() *ringWriter { return (*ringWriter)(unsafe.Pointer(w)).checked() }

// bytes are the record's.
func (w *UserRingBufWriter[T]) bytes(t *T) []byte {
	if w.raw {
		return *(*[]byte)(unsafe.Pointer(t))
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(t)), unsafe.Sizeof(*t))
}

// Write puts a record into the ring buffer, and waits for room if there is
// none: until a program drains it, the context ends, or the writer is closed.
func (w *UserRingBufWriter[T]) Write(ctx context.Context, t T) error {
	return w.core().write(ctx, w.bytes(&t))
}

// TryWrite is Write that does not wait: it returns [ErrMapFull] if there is
// no room.
func (w *UserRingBufWriter[T]) TryWrite(t T) error { return w.core().tryWrite(w.bytes(&t)) }

// Close ends writing: whoever waits in Write gets os.ErrClosed. What was written
// stays for programs to read. Closing twice is fine.
func (w *UserRingBufWriter[T]) Close() error {
	w.core().wait.close()
	return nil
}

// ringWriter is a writer, whatever the type of the records.
type ringWriter struct {
	m     *Map
	claim claim
	wait  *waiter

	consumerPage, producerPages []byte
	consumer, producer          *uint64
	data                        []byte // the ring, twice in a row
	size, pos                   uint64
}

func (w *ringWriter) checked() *ringWriter {
	if w == nil || w.wait == nil {
		panic(noReader)
	}
	return w
}

func (w *ringWriter) open(m *Map) error {
	num, err := m.file().dup()
	if err != nil {
		return m.wrap(opUserRingBuf, err)
	}
	w.m = m
	if w.claim, err = m.claim(sys.MapTypeUserRingBuf); err != nil {
		unix.Close(num)
		return m.wrap(opUserRingBuf, err)
	}
	if err := w.mmap(num, m.MaxEntries()); err != nil {
		w.claim.end()
		unix.Close(num)
		return m.wrap(opUserRingBuf, err)
	}
	if w.wait, err = newWaiter(num, "user ring buffer "+m.Name(), w.free); err != nil {
		w.free()
		return m.wrap(opUserRingBuf, err)
	}
	return nil
}

// mmap maps what a ring's reader does, with the rights the other way round (ringbuf_map_mmap_user).
func (w *ringWriter) mmap(num int, size uint32) (err error) {
	page := unix.Getpagesize()
	w.consumerPage, err = unix.Mmap(num, 0, page, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map consumer page: %w", err)
	}
	w.producerPages, err = unix.Mmap(num, int64(page), page+2*int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Munmap(w.consumerPage)
		return fmt.Errorf("map producer pages: %w", err)
	}
	w.use(page, size)
	return nil
}

// use finds everything in what was mapped.
func (w *ringWriter) use(page int, size uint32) {
	w.consumer = (*uint64)(unsafe.Pointer(&w.consumerPage[0]))
	w.producer = (*uint64)(unsafe.Pointer(&w.producerPages[0]))
	w.data, w.size = w.producerPages[page:][:2*int(size)], uint64(size)
	w.pos = firstNear
}

func (w *ringWriter) free() {
	_ = unix.Munmap(w.consumerPage)
	_ = unix.Munmap(w.producerPages)
	w.data = nil
	w.claim.end()
}

func (w *ringWriter) write(ctx context.Context, bytes []byte) error {
	if err := w.wait.lock(ctx, turnTaken); err != nil {
		return w.m.wrap(opUserRingBuf, err)
	}
	defer w.wait.unlock()
	for {
		put, err := w.put(bytes)
		if put {
			return nil
		}
		if err == nil {
			err = w.wait.wait(ctx, true, func(uintptr) bool {
				room, err := w.room(bytes)
				return room || err != nil
			})
		}
		if err != nil {
			return w.m.wrap(opUserRingBuf, err)
		}
	}
}

func (w *ringWriter) tryWrite(bytes []byte) error {
	mine, err := w.wait.tryLock()
	switch {
	case err != nil:
		return w.m.wrap(opUserRingBuf, err)
	case !mine: // whoever has the turn waits for room
		return newMapError(w.m.Name(), opUserRingBuf, ErrMapFull)
	}
	defer w.wait.unlock()
	put, err := w.put(bytes)
	if err == nil && !put {
		err = ErrMapFull
	}
	if err != nil {
		return w.m.wrap(opUserRingBuf, err)
	}
	return nil
}

// room reports whether there is room for a record.
func (w *ringWriter) room(bytes []byte) (bool, error) {
	if uint64(len(bytes))+ringHeader > w.size {
		return false, &RecordSizeError{Record: len(bytes), Type: int(w.size) - ringHeader}
	}
	w.pos = loadPosition(w.producer, w.pos)
	consumed := loadPosition(w.consumer, w.pos)
	if w.pos-consumed > w.size || w.pos&notPosition != 0 {
		return false, fmt.Errorf("%w: positions %d and %d in a ring of %d bytes", errDamaged, consumed, w.pos, w.size)
	}
	return w.size-(w.pos-consumed) >= taken(uint32(len(bytes))), nil
}

// put puts a record into the ring if there is room.
func (w *ringWriter) put(bytes []byte) (bool, error) {
	room, err := w.room(bytes)
	if !room || err != nil {
		return false, err
	}
	at := w.pos & (w.size - 1)
	copy(w.data[at+ringHeader:][:len(bytes)], bytes)
	*(*uint32)(unsafe.Pointer(&w.data[at+4])) = 0
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&w.data[at])), uint32(len(bytes)))
	// The kernel looks at a record only once the producer's position is after it.
	storePosition(w.producer, w.pos+taken(uint32(len(bytes))))
	return true, nil
}
