package runtime

import (
	"context"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// UserRingBuf is a map of type user ring buffer (BPF_MAP_TYPE_USER_RINGBUF,
// 6.1): user space writes Ts to it, and a program reads them with bpf_user_ringbuf_drain, when it
// happens to run.
type UserRingBuf[T any] struct {
	*Map
	encode encoder[T]
}

// encoder tells how many bytes a record has, and where they are.
type encoder[T any] func(t *T) []byte

// NewUserRingBuf gives m the type of its records.
func NewUserRingBuf[T any](m *Map) UserRingBuf[T] {
	return UserRingBuf[T]{m, func(t *T) []byte {
		return unsafe.Slice((*byte)(unsafe.Pointer(t)), unsafe.Sizeof(*t))
	}}
}

// NewRawUserRingBuf is for ring buffers whose records are not all of one type.
func NewRawUserRingBuf(m *Map) UserRingBuf[[]byte] {
	return UserRingBuf[[]byte]{m, func(b *[]byte) []byte { return *b }}
}

const opUserRingBuf = "write user ring buffer"

// UserRingBufWriter puts records into a user ring buffer. There may be one
// at a time: two would overwrite each other's records. It may be used by several goroutines. It has to be closed.
type UserRingBufWriter[T any] struct {
	m      *Map
	encode encoder[T]
	wait   *waiter

	consumerPage, producerPages []byte
	consumer, producer          *uintptr
	data                        []byte
	size                        uintptr
}

// Writer begins to write.
func (u UserRingBuf[T]) Writer() (*UserRingBufWriter[T], error) {
	num, err := u.fd.dup()
	if err != nil {
		return nil, u.wrap(opUserRingBuf, err)
	}
	w := &UserRingBufWriter[T]{m: u.Map, encode: u.encode, size: uintptr(u.MaxEntries())}
	if err := w.mapMemory(num); err != nil {
		unix.Close(num)
		return nil, u.wrap(opUserRingBuf, err)
	}
	if w.wait, err = newWaiter(num, "user ring buffer "+u.Name()); err != nil {
		w.unmap()
		return nil, u.wrap(opUserRingBuf, err)
	}
	return w, nil
}

// mapMemory maps what RingBufReader's does, with the rights the other way round (ringbuf_map_mmap_user).
func (w *UserRingBufWriter[T]) mapMemory(num int) (err error) {
	page, size := unix.Getpagesize(), int(w.size)
	w.consumerPage, err = unix.Mmap(num, 0, page, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map consumer page: %w", err)
	}
	w.producerPages, err = unix.Mmap(num, int64(page), page+2*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Munmap(w.consumerPage)
		return fmt.Errorf("map producer pages: %w", err)
	}
	w.consumer = (*uintptr)(unsafe.Pointer(&w.consumerPage[0]))
	w.producer = (*uintptr)(unsafe.Pointer(&w.producerPages[0]))
	w.data = w.producerPages[page:]
	return nil
}

func (w *UserRingBufWriter[T]) unmap() {
	_ = unix.Munmap(w.consumerPage)
	_ = unix.Munmap(w.producerPages)
	w.data = nil
}

// Write puts a record into the ring buffer, and waits for room if there is
// none: until a program drains it, the context ends, or the writer is closed.
func (w *UserRingBufWriter[T]) Write(ctx context.Context, t T) error {
	if err := w.wait.lock(ctx); err != nil {
		return w.m.wrap(opUserRingBuf, err)
	}
	defer w.wait.unlock()
	record := w.encode(&t)
	for {
		room, err := w.put(record)
		if room || err != nil {
			return err
		}
		if err := w.wait.wait(ctx, true, func(uintptr) bool { return w.room(record) }); err != nil {
			return w.m.wrap(opUserRingBuf, err)
		}
	}
}

// TryWrite is Write that does not wait: it returns [ErrMapFull] if there is
// no room.
func (w *UserRingBufWriter[T]) TryWrite(t T) error {
	mine, err := w.wait.tryLock()
	switch {
	case err != nil:
		return w.m.wrap(opUserRingBuf, err)
	case !mine: // who has the turn waits for room
		return &MapError{w.m.Name(), opUserRingBuf, ErrMapFull}
	}
	defer w.wait.unlock()
	room, err := w.put(w.encode(&t))
	if err == nil && !room {
		return &MapError{w.m.Name(), opUserRingBuf, ErrMapFull}
	}
	return err
}

// taken is how many bytes of the ring a record takes.
func taken(record []byte) uintptr { return (uintptr(len(record)) + ringHeader + 7) &^ 7 }

func (w *UserRingBufWriter[T]) room(record []byte) bool {
	used := atomic.LoadUintptr(w.producer) - atomic.LoadUintptr(w.consumer)
	return w.size-used >= taken(record)
}

// put puts a record into the ring if there is room.
func (w *UserRingBufWriter[T]) put(record []byte) (bool, error) {
	if taken(record) > w.size {
		return false, &MapError{w.m.Name(), opUserRingBuf, &RecordSizeError{Record: len(record), Type: int(w.size) - ringHeader}}
	}
	if !w.room(record) {
		return false, nil
	}
	pos := atomic.LoadUintptr(w.producer)
	at := pos & (w.size - 1)
	copy(w.data[at+ringHeader:], record)
	*(*uint32)(unsafe.Pointer(&w.data[at+4])) = 0
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&w.data[at])), uint32(len(record)))
	// The kernel looks at a record only once the producer's position is behind it.
	atomic.StoreUintptr(w.producer, pos+taken(record))
	return true, nil
}

// Close ends writing: who waits in Write gets os.ErrClosed. What was written
// stays for programs to read. Closing twice is fine.
func (w *UserRingBufWriter[T]) Close() error {
	w.wait.close(w.unmap)
	return nil
}
