package runtime

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// perfReader is a reader of a perf event array with records of any type.
type perfReader struct {
	m     *Map
	claim claim
	mapFD fd // the reader's own, to remove the events from the map
	wait  *waiter
	ready func(uintptr) bool // allocated once
	rings []*perfRing
	turn  int // index of the ring to check first
	lost  atomic.Uint64
	// backlog is the number of bytes in the ring when a scan last found something.
	backlog atomic.Uint64
}

func (r *perfReader) checked() *perfReader {
	if r == nil || r.wait == nil {
		panic(noReader)
	}
	return r
}

func (r *perfReader) open(m *Map, opts PerfOptions) error {
	m.spec()
	if opts.Pages == 0 {
		opts.Pages = 64
	}
	switch {
	case opts.Pages < 0 || opts.Pages&(opts.Pages-1) != 0:
		return newMapError(m.Name(), opPerfArray, fmt.Errorf("Pages is %d, want a power of two: %w", opts.Pages, unix.EINVAL))
	case opts.Pages > math.MaxInt32/unix.Getpagesize():
		return newMapError(m.Name(), opPerfArray, fmt.Errorf("Pages is %d, which is too large: %w", opts.Pages, unix.EINVAL))
	case opts.Wakeup < 0 || opts.Wakeup > math.MaxInt32:
		return newMapError(m.Name(), opPerfArray, fmt.Errorf("invalid Wakeup %d: %w", opts.Wakeup, unix.EINVAL))
	}
	num, err := m.fd.dup()
	if err != nil {
		return m.wrap(opPerfArray, err)
	}
	r.m = m
	r.mapFD.set(num)
	if r.claim, err = m.claim(sys.MapTypePerfEventArray); err != nil {
		r.mapFD.close()
		return m.wrap(opPerfArray, err)
	}
	r.ready = func(uintptr) bool { return r.some() }
	if err := r.openRings(opts); err != nil {
		r.free()
		return m.wrap(opPerfArray, err)
	}
	return nil
}

// openRings opens the events. All are in one epoll instance, which Go's poller watches.
func (r *perfReader) openRings(opts PerfOptions) error {
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
	r.wait, err = newWaiter(epoll, "perf event array "+r.m.Name(), r.free)
	return err
}

// insert makes programs on the ring's CPU write to it.
func (r *perfReader) insert(ring *perfRing) error {
	key, value := new(uint32), new(uint32)
	*key, *value = uint32(ring.cpu), uint32(ring.event)
	if errno, err := elemFD(&r.mapFD, sys.CmdMapUpdateElem, unsafe.Pointer(key), unsafe.Pointer(value)); err != nil {
		return err
	} else if errno != 0 {
		return errno
	}
	return nil
}

func (r *perfReader) free() {
	for _, ring := range r.rings {
		key := new(uint32)
		*key = uint32(ring.cpu)
		_, _ = elemFD(&r.mapFD, sys.CmdMapDeleteElem, unsafe.Pointer(key), nil)
		ring.close()
	}
	r.rings = nil
	r.claim.end()
	r.mapFD.close()
}

// some reports whether any CPU has written something.
func (r *perfReader) some() bool {
	for _, ring := range r.rings {
		if ring.some() {
			return true
		}
	}
	return false
}

// scan finds the next records of a CPU that has some.
func (r *perfReader) scan(records []perfRecord) (*perfRing, int, error) {
	for i := range r.rings {
		// One busy CPU must not keep the others waiting: start after the CPU that was read last.
		ring := r.rings[(r.turn+i)%len(r.rings)]
		n, err := ring.scan(records, &r.lost)
		if n > 0 || err != nil {
			r.backlog.Store(ring.seen)
			r.turn = (r.turn + i + 1) % len(r.rings)
			return ring, n, err
		}
	}
	return nil, 0, nil
}

// take returns the next record, and holds the turn until done.
func (r *perfReader) take(ctx context.Context) (perfRecord, *perfRing, error) {
	if err := r.wait.lock(ctx, turnTaken); err != nil {
		return perfRecord{}, nil, r.m.wrap(opPerfArray, err)
	}
	for {
		var one [1]perfRecord
		ring, n, err := r.scan(one[:])
		if n > 0 {
			return one[0], ring, nil
		}
		if err == nil {
			err = r.wait.wait(ctx, false, r.ready)
		}
		if err != nil {
			r.wait.unlock()
			return perfRecord{}, nil, r.m.wrap(opPerfArray, err)
		}
	}
}

// tryTake is take without waiting.
func (r *perfReader) tryTake() (perfRecord, *perfRing, bool, error) {
	mine, err := r.wait.tryLock(turnTaken)
	if !mine {
		if err != nil {
			err = r.m.wrap(opPerfArray, err)
		}
		return perfRecord{}, nil, false, err
	}
	var one [1]perfRecord
	ring, n, err := r.scan(one[:])
	if n > 0 {
		return one[0], ring, true, nil
	}
	r.wait.unlock()
	if err != nil {
		err = r.m.wrap(opPerfArray, err)
	}
	return perfRecord{}, nil, false, err
}

// done ends the turn that take began.
func (r *perfReader) done(rec *perfRecord, ring *perfRing) {
	r.passed(rec, ring)
	ring.release(rec.end)
	r.wait.unlock()
}

// passed accounts for the losses that a record reports.
func (r *perfReader) passed(rec *perfRecord, ring *perfRing) {
	if rec.lost != 0 {
		// Losses that the ring had found before are already counted.
		r.lost.Add(rec.lost - ring.lost)
		ring.lost = 0
	}
}

// load copies a record's bytes, which are not aligned, to value, which has the given size. The
// kernel pads records, including their size field, to 8 bytes.
func (r *perfReader) load(rec *perfRecord, value unsafe.Pointer, size uintptr, raw bool) error {
	if raw {
		*(*[]byte)(value) = rec.clone()
		return nil
	}
	if uintptr(rec.size) < size || uintptr(rec.size) > size+7 {
		return newMapError(r.m.Name(), opPerfArray, &RecordSizeError{Record: int(rec.size), Type: int(size)})
	}
	copy(unsafe.Slice((*byte)(value), size), unsafe.Slice((*byte)(rec.bytes), size))
	return nil
}

// perfLoop is a loop over records of any type.
type perfLoop struct {
	r       *perfReader
	ctx     context.Context // nil for a loop that does not wait
	err     error
	turn    bool
	ring    *perfRing // the ring that the records are in
	records [32]perfRecord
	n, used int // number of records found, and handed out
}

// begin waits for the turn, which the loop keeps until end.
func (l *perfLoop) begin() {
	l.n, l.used = 0, 0
	w := l.r.checked().wait
	if l.ctx == nil {
		l.turn, l.err = w.tryLock(turnLoop)
	} else {
		l.err = w.lock(l.ctx, turnLoop)
		l.turn = l.err == nil
	}
	if l.err != nil {
		l.err = l.r.m.wrap(opPerfArray, l.err)
	}
	if l.turn && l.ctx == nil {
		for _, ring := range l.r.rings {
			ring.until = atomic.LoadUint64(&ring.page.Data_head)
		}
	}
}

// end releases what has been read, and the turn. It is called however the loop ends.
func (l *perfLoop) end() {
	if l.turn {
		l.release()
		l.turn = false
		l.r.wait.unlock()
	}
}

func (l *perfLoop) release() {
	if l.used > 0 {
		l.ring.release(l.records[l.used-1].end)
		l.used = 0
	}
}

// more finds records, and waits for them. It returns false, with err, if there will be no more.
func (l *perfLoop) more() bool {
	if !l.turn {
		return false
	}
	l.release()
	if l.ctx == nil {
		return l.moreThere()
	}
	err := l.ctx.Err()
	for err == nil {
		if l.ring, l.n, err = l.r.scan(l.records[:]); l.n > 0 {
			return true
		}
		if err == nil {
			err = l.r.wait.wait(l.ctx, false, l.r.ready)
		}
	}
	l.err = l.r.m.wrap(opPerfArray, err)
	return false
}

// moreThere is more for a loop that does not wait. It skips rings that have been read up to where
// they were when the loop began.
func (l *perfLoop) moreThere() bool {
	for _, l.ring = range l.r.rings {
		for int64(l.ring.until-l.ring.tail) > 0 {
			var err error
			if l.n, err = l.ring.scan(l.records[:], &l.r.lost); l.n > 0 {
				l.r.backlog.Store(l.ring.seen)
				return true
			}
			if err != nil {
				l.err = l.r.m.wrap(opPerfArray, err)
				return false
			}
		}
	}
	return false
}

// at returns record i, or nil if the reader has been closed.
func (l *perfLoop) at(i int) *perfRecord {
	if l.r.wait.closed.Load() {
		l.err = l.r.m.wrap(opPerfArray, os.ErrClosed)
		return nil
	}
	l.used = i + 1
	rec := &l.records[i&31]
	l.r.passed(rec, l.ring)
	return rec
}
