package runtime

import (
	"context"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// UserRingBuf is a map of type user ring buffer (BPF_MAP_TYPE_USER_RINGBUF, 6.1): user space writes
// records of type T, and a program reads them with bpf_user_ringbuf_drain whenever it runs. Use
// []byte for records of several types or sizes.
type UserRingBuf[T any] struct{ ref }

// NewUserRingBuf returns m as a UserRingBuf; see [NewHashMap].
func NewUserRingBuf[T any](m *Map) *UserRingBuf[T] {
	m.spec()
	return (*UserRingBuf[T])(unsafe.Pointer(m))
}

const opUserRingBuf = "write user ring buffer"

// Writer starts writing. A user ring buffer has one writer at a time: until it is closed, another
// Writer call in this process fails with EBUSY, because two writers would overwrite each other's
// records.
func (u *UserRingBuf[T]) Writer() (*UserRingBufWriter[T], error) {
	w := &UserRingBufWriter[T]{raw: isBytes((*T)(nil))}
	if err := w.w.open((*Map)(unsafe.Pointer(u))); err != nil {
		return nil, err
	}
	return w, nil
}

// UserRingBufWriter writes records to a user ring buffer. It is safe for concurrent use. It must be
// closed, and keeps working after the skeleton is closed.
type UserRingBufWriter[T any] struct {
	w   ringWriter
	raw bool // T is []byte
}

func (w *UserRingBufWriter[T]) core() *ringWriter { return (*ringWriter)(unsafe.Pointer(w)).checked() }

// bytes returns the bytes of a record.
func (w *UserRingBufWriter[T]) bytes(t *T) []byte {
	if w.raw {
		return *(*[]byte)(unsafe.Pointer(t))
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(t)), unsafe.Sizeof(*t))
}

// Write writes a record to the ring buffer. If there is no room, it waits until a program drains
// the ring buffer, the context ends, or the writer is closed.
func (w *UserRingBufWriter[T]) Write(ctx context.Context, t T) error {
	return w.core().write(ctx, w.bytes(&t))
}

// TryWrite is like Write, but does not wait: it returns [ErrMapFull] if there is no room.
func (w *UserRingBufWriter[T]) TryWrite(t T) error { return w.core().tryWrite(w.bytes(&t)) }

// WriteBatch writes records to the ring buffer, and publishes all that there is room for together.
// It waits for room like Write. It returns the number of records written, which is less than
// len(ts) only with an error.
func (w *UserRingBufWriter[T]) WriteBatch(ctx context.Context, ts []T) (int, error) {
	return w.core().writeBatch(ctx, len(ts), func(i int) []byte { return w.bytes(&ts[i]) })
}

// WriteInPlace calls write to fill in a record directly in the ring buffer, without a copy. The
// record is initially undefined, and the pointer must not be kept. Nothing else can be written
// until the function returns, and the function must not use the writer. WriteInPlace waits for room
// like Write. It is for records of one size: if T is []byte, it returns an error (EINVAL).
func (w *UserRingBufWriter[T]) WriteInPlace(ctx context.Context, write func(*T)) error {
	c := w.core()
	if w.raw {
		return newMapError(c.m.Name(), opUserRingBuf, fmt.Errorf("cannot write []byte records in place: use Write: %w", unix.EINVAL))
	}
	return c.writeInPlace(ctx, int(unsafe.Sizeof(*new(T))), func(p unsafe.Pointer) { write((*T)(p)) })
}

// Close stops writing. Goroutines that wait in Write get os.ErrClosed. Programs can still read the
// records that were written. Closing twice is fine.
func (w *UserRingBufWriter[T]) Close() error {
	w.core().wait.close()
	return nil
}

// ringWriter is a writer of records of any type.
type ringWriter struct {
	m     *Map
	claim claim
	wait  *waiter

	consumerPage, producerPages []byte
	consumer, producer          *uint64
	data                        []byte // the ring, mapped twice in a row
	size, pos                   uint64
	limit                       uint64 // position up to which there was room at the last look
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

// mmap maps the same memory as a ring's reader, with access rights reversed
// (ringbuf_map_mmap_user).
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

// use sets the fields that point into the mapped memory.
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
	return w.writeInPlace(ctx, len(bytes), func(p unsafe.Pointer) {
		copy(unsafe.Slice((*byte)(p), len(bytes)), bytes)
	})
}

// writeInPlace waits for room, and calls write to fill in a record of the given size.
func (w *ringWriter) writeInPlace(ctx context.Context, size int, write func(unsafe.Pointer)) error {
	err := w.wait.lock(ctx, turnTaken)
	if err == nil {
		defer w.wait.unlock()
		if err = w.waitForRoom(ctx, size); err == nil {
			write(w.at(w.pos))
			w.publish(w.header(w.pos, size))
			return nil
		}
	}
	return w.m.wrap(opUserRingBuf, err)
}

func (w *ringWriter) writeBatch(ctx context.Context, n int, record func(int) []byte) (done int, err error) {
	if err = w.wait.lock(ctx, turnTaken); err != nil {
		return 0, w.m.wrap(opUserRingBuf, err)
	}
	defer w.wait.unlock()
	for done < n {
		if err = w.waitForRoom(ctx, len(record(done))); err != nil {
			return done, w.m.wrap(opUserRingBuf, err)
		}
		pos := w.pos
		for ; done < n; done++ {
			bytes := record(done)
			if uint64(len(bytes)) > w.size || taken(uint32(len(bytes))) > w.limit-pos {
				break
			}
			copy(unsafe.Slice((*byte)(w.at(pos)), len(bytes)), bytes)
			pos = w.header(pos, len(bytes))
		}
		w.publish(pos)
	}
	return done, nil
}

func (w *ringWriter) tryWrite(bytes []byte) error {
	mine, err := w.wait.tryLock(turnTaken)
	switch {
	case err != nil:
		return w.m.wrap(opUserRingBuf, err)
	case !mine: // the goroutine that has the turn waits for room
		return newMapError(w.m.Name(), opUserRingBuf, ErrMapFull)
	}
	defer w.wait.unlock()
	room, err := w.room(len(bytes))
	if err == nil && !room {
		err = ErrMapFull
	}
	if err != nil {
		return w.m.wrap(opUserRingBuf, err)
	}
	copy(unsafe.Slice((*byte)(w.at(w.pos)), len(bytes)), bytes)
	w.publish(w.header(w.pos, len(bytes)))
	return nil
}

// room reports whether there is room for a record. It reads the kernel's position only if there was
// no room at the last look.
func (w *ringWriter) room(size int) (bool, error) {
	// The bits above the length mean other things (BPF_RINGBUF_DISCARD_BIT).
	if most := min(w.size-ringHeader, ringDiscard-1); uint64(size) > most {
		return false, &RecordSizeError{Record: size, Type: int(most)}
	}
	w.pos = loadPosition(w.producer, w.pos)
	if left := w.limit - w.pos; left <= w.size && left >= taken(uint32(size)) && w.pos&notPosition == 0 {
		return true, nil
	}
	consumed := loadPosition(w.consumer, w.pos)
	if w.pos-consumed > w.size || w.pos&notPosition != 0 {
		return false, fmt.Errorf("%w: positions %d and %d in a ring of %d bytes", errDamaged, consumed, w.pos, w.size)
	}
	w.limit = consumed + w.size
	return w.limit-w.pos >= taken(uint32(size)), nil
}

func (w *ringWriter) waitForRoom(ctx context.Context, size int) error {
	for {
		room, err := w.room(size)
		if room || err != nil {
			return err
		}
		err = w.wait.wait(ctx, true, func(uintptr) bool {
			room, err := w.room(size)
			return room || err != nil
		})
		if err != nil {
			return err
		}
	}
}

// at returns the address of the bytes of a record at the given position.
func (w *ringWriter) at(pos uint64) unsafe.Pointer {
	return unsafe.Pointer(&w.data[pos&(w.size-1)+ringHeader])
}

// header writes the header of a record at the given position, and returns the position after it.
func (w *ringWriter) header(pos uint64, size int) uint64 {
	at := pos & (w.size - 1)
	*(*uint32)(unsafe.Pointer(&w.data[at+4])) = 0
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&w.data[at])), uint32(size))
	return pos + taken(uint32(size))
}

// publish makes the records before pos visible to the kernel, which reads only up to the producer's
// position.
func (w *ringWriter) publish(pos uint64) {
	w.pos = pos
	storePosition(w.producer, pos)
}
