package runtime

import (
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// perfRing is the buffer of a perf event that programs on one CPU write to.
type perfRing struct {
	cpu   int
	event int
	mem   []byte
	page  *unix.PerfEventMmapPage
	data  []byte
	tail  uint64 // behind the record that next returned
	lost  uint64 // since the last record
}

func openPerfRing(cpu int, opts PerfOptions) (*perfRing, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT,
		Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Sample_type: unix.PERF_SAMPLE_RAW, Sample: 1, Wakeup: 1,
	}
	if opts.Wakeup > 0 {
		attr.Bits, attr.Wakeup = unix.PerfBitWatermark, uint32(opts.Wakeup)
	}
	event, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	page := unix.Getpagesize()
	mem, err := unix.Mmap(event, 0, page*(1+opts.Pages), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		unix.Close(event)
		return nil, err
	}
	return &perfRing{
		cpu: cpu, event: event, mem: mem, data: mem[page:],
		page: (*unix.PerfEventMmapPage)(unsafe.Pointer(&mem[0])),
	}, nil
}

func (r *perfRing) close() {
	_ = unix.Munmap(r.mem)
	unix.Close(r.event)
}

func (r *perfRing) some() bool {
	return atomic.LoadUint64(&r.page.Data_head) != atomic.LoadUint64(&r.page.Data_tail)
}

// next returns the next record's bytes, good until done, and passes all else,
// adding up what was lost.
func (r *perfRing) next(buf *[]byte, lost *atomic.Uint64) ([]byte, bool) {
	for {
		head, tail := atomic.LoadUint64(&r.page.Data_head), atomic.LoadUint64(&r.page.Data_tail)
		if head == tail {
			return nil, false
		}
		// struct perf_event_header: never in pieces, records are 8-byte aligned.
		header := r.data[tail%uint64(len(r.data)):][:8]
		typ, size := *(*uint32)(unsafe.Pointer(&header[0])), uint64(*(*uint16)(unsafe.Pointer(&header[6])))
		if size < 8 || size > head-tail {
			r.tail = head // cannot happen; never loop over it
			r.done()
			return nil, false
		}
		body := r.bytes(tail+8, size-8, buf)
		r.tail = tail + size
		switch {
		case typ == unix.PERF_RECORD_SAMPLE && len(body) >= 4:
			n := *(*uint32)(unsafe.Pointer(&body[0]))
			return body[4:][:min(int(n), len(body)-4)], true
		case typ == unix.PERF_RECORD_LOST && len(body) >= 16:
			n := *(*uint64)(unsafe.Pointer(&body[8])) // behind the event's ID
			r.lost += n
			lost.Add(n)
		}
		r.done()
	}
}

// done gives the memory of what next returned back to the kernel.
func (r *perfRing) done() { atomic.StoreUint64(&r.page.Data_tail, r.tail) }

// bytes returns bytes of the ring, in buf if they are in pieces there.
func (r *perfRing) bytes(pos, n uint64, buf *[]byte) []byte {
	at := pos % uint64(len(r.data))
	if at+n <= uint64(len(r.data)) {
		return r.data[at:][:n]
	}
	if uint64(len(*buf)) < n {
		*buf = make([]byte, 1<<16) // as long as a record can be: perf_event_header.size
	}
	k := copy(*buf, r.data[at:])
	copy((*buf)[k:], r.data[:n-uint64(k)])
	return (*buf)[:n]
}
