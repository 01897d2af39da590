package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// PerfEventArray is a map of type perf event array (BPF_MAP_TYPE_PERF_EVENT_ARRAY)
// whose records are Ts: what programs write with bpf_perf_event_output. T has the size and layout
// of the C type and holds no Go pointers; see [NewRawPerfEventArray] for []byte.
type PerfEventArray[T any] struct {
	*Map
	decode decoder[T]
}

// NewPerfEventArray gives m the type of its records.
func NewPerfEventArray[T any](m *Map) PerfEventArray[T] { return PerfEventArray[T]{m, decodeFixed[T]} }

// NewRawPerfEventArray is for arrays whose records are not all of one type.
// The kernel pads records: up to 7 bytes may follow what the program wrote.
func NewRawPerfEventArray(m *Map) PerfEventArray[[]byte] {
	return PerfEventArray[[]byte]{m, decodeBytes}
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

// PerfReader takes records out of a perf event array: it opens a perf event on each CPU that is
// online. An array has one reader at a time. It may be used by several goroutines, of which
// one reads at a time. It has to be closed, and works on after the skeleton is closed.
type PerfReader[T any] struct {
	m      *Map
	mapFD  fd // the reader's own, to take the events out of the map again
	decode decoder[T]
	wait   *waiter
	ready  func(uintptr) bool
	rings  []*perfRing
	turn   int // whose ring is looked at first
	lost   atomic.Uint64
	buf    []byte // for records that are in pieces
}

// Reader begins to read.
func (a PerfEventArray[T]) Reader(opts PerfOptions) (*PerfReader[T], error) {
	if opts.Pages == 0 {
		opts.Pages = 64
	}
	if opts.Pages < 0 || opts.Pages&(opts.Pages-1) != 0 {
		return nil, &MapError{a.Name(), opPerfArray, fmt.Errorf("%d pages are no power of two: %w", opts.Pages, unix.EINVAL)}
	}
	num, err := a.fd.dup()
	if err != nil {
		return nil, a.wrap(opPerfArray, err)
	}
	r := &PerfReader[T]{m: a.Map, decode: a.decode}
	r.mapFD.set(num)
	r.ready = func(uintptr) bool { return r.some() }
	if err := r.open(opts); err != nil {
		r.free()
		return nil, a.wrap(opPerfArray, err)
	}
	return r, nil
}

// open opens the events. All are in one epoll instance, which is what Go's poller watches.
func (r *PerfReader[T]) open(opts PerfOptions) error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	cpus, err := PossibleCPUs()
	if err != nil {
		unix.Close(epoll)
		return err
	}
	for cpu := range min(cpus, int(r.m.MaxEntries())) {
		ring, err := openPerfRing(cpu, opts)
		if errors.Is(err, unix.ENODEV) {
			continue // not online
		}
		if err == nil {
			r.rings = append(r.rings, ring)
			err = r.insert(ring)
		}
		if err == nil {
			err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, ring.event, &unix.EpollEvent{Events: unix.EPOLLIN})
		}
		if err != nil {
			unix.Close(epoll)
			return fmt.Errorf("CPU %d: %w", cpu, err)
		}
	}
	r.wait, err = newWaiter(epoll, "perf event array "+r.m.Name())
	return err
}

// insert tells programs on the ring's CPU to write to it.
func (r *PerfReader[T]) insert(ring *perfRing) error {
	key, value := new(uint32), new(uint32)
	*key, *value = uint32(ring.cpu), uint32(ring.event)
	if errno, err := elemFD(&r.mapFD, sys.CmdMapUpdateElem, unsafe.Pointer(key), unsafe.Pointer(value)); err != nil {
		return err
	} else if errno != 0 {
		return errno
	}
	return nil
}

func (r *PerfReader[T]) free() {
	for _, ring := range r.rings {
		key := new(uint32)
		*key = uint32(ring.cpu)
		_, _ = elemFD(&r.mapFD, sys.CmdMapDeleteElem, unsafe.Pointer(key), nil)
		ring.close()
	}
	r.rings = nil
	r.mapFD.close()
}

func (r *PerfReader[T]) some() bool {
	for _, ring := range r.rings {
		if ring.some() {
			return true
		}
	}
	return false
}

// Read returns the next record of any CPU, and waits for it if there is none.
// Records of one CPU come in their order. It returns the context's error when the context ends,
// os.ErrClosed when the reader is closed, and a [*RecordSizeError] for a record that is no T, which it passes.
func (r *PerfReader[T]) Read(ctx context.Context) (PerfRecord[T], error) {
	if err := r.wait.lock(ctx); err != nil {
		return PerfRecord[T]{}, r.m.wrap(opPerfArray, err)
	}
	defer r.wait.unlock()
	for {
		if rec, ok, err := r.take(); ok {
			return rec, err
		}
		if err := r.wait.wait(ctx, false, r.ready); err != nil {
			return PerfRecord[T]{}, r.m.wrap(opPerfArray, err)
		}
	}
}

// TryRead is Read that does not wait: it returns false if there is no record.
func (r *PerfReader[T]) TryRead() (PerfRecord[T], bool, error) {
	if mine, err := r.wait.tryLock(); !mine {
		if err != nil {
			err = r.m.wrap(opPerfArray, err)
		}
		return PerfRecord[T]{}, false, err
	}
	defer r.wait.unlock()
	return r.take()
}

func (r *PerfReader[T]) take() (PerfRecord[T], bool, error) {
	for i := range r.rings {
		// One busy CPU must not keep the others waiting: begin behind the last one read.
		ring := r.rings[(r.turn+i)%len(r.rings)]
		record, ok := ring.next(&r.buf, &r.lost)
		if !ok {
			continue
		}
		r.turn = (r.turn + i + 1) % len(r.rings)
		rec := PerfRecord[T]{CPU: ring.cpu, Lost: ring.lost}
		ring.lost = 0
		var err error
		rec.Value, err = r.decode(record, 7) // the kernel pads to 8 bytes, size field included
		ring.done()
		if err != nil {
			return rec, true, &MapError{r.m.Name(), opPerfArray, err}
		}
		return rec, true, nil
	}
	return PerfRecord[T]{}, false, nil
}

// All reads records until the context ends or the reader is closed, which is
// the last error. Records that are no Ts are an error each, and do not end it.
func (r *PerfReader[T]) All(ctx context.Context) iter.Seq2[PerfRecord[T], error] {
	return func(yield func(PerfRecord[T], error) bool) {
		for {
			rec, err := r.Read(ctx)
			if !yield(rec, err) || (err != nil && !isRecordSize(err)) {
				return
			}
		}
	}
}

// Lost returns how many records were lost on all CPUs, as far as the reader has read.
func (r *PerfReader[T]) Lost() uint64 { return r.lost.Load() }

// Close ends reading: who waits in Read gets os.ErrClosed. Closing twice is fine.
func (r *PerfReader[T]) Close() error {
	r.wait.close(r.free)
	return nil
}
