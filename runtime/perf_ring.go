package runtime

import (
	"fmt"
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
	data  []byte // its length is a power of two
	tail  uint64 // position of the next record
	lost  uint64 // records lost before tail and not yet reported by a record
	seen  uint64 // bytes present at the last scan
	until uint64 // position at which a loop that does not wait ends
	piece []byte // copy of a record that wraps around the end of data
}

// perfRecord is one sample in a ring.
type perfRecord struct {
	record
	lost uint64 // records lost before it
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
	r := &perfRing{cpu: cpu, event: event}
	r.use(mem, page)
	return r, nil
}

// use sets the fields that point into the mapped memory.
func (r *perfRing) use(mem []byte, page int) {
	r.mem, r.data = mem, mem[page:]
	r.page = (*unix.PerfEventMmapPage)(unsafe.Pointer(&mem[0]))
	r.tail = atomic.LoadUint64(&r.page.Data_tail)
}

func (r *perfRing) close() {
	_ = unix.Munmap(r.mem)
	unix.Close(r.event)
}

func (r *perfRing) some() bool { return atomic.LoadUint64(&r.page.Data_head) != r.tail }

// release returns everything before pos to the kernel.
func (r *perfRing) release(pos uint64) {
	r.tail = pos
	atomic.StoreUint64(&r.page.Data_tail, pos)
}

// scan finds the next samples, and skips everything else. Samples that programs could not write for
// lack of room are added to lost when the reader reaches their position.
func (r *perfRing) scan(records []perfRecord, lost *atomic.Uint64) (int, error) {
	pos, end, size := r.tail, atomic.LoadUint64(&r.page.Data_head), uint64(len(r.data))
	if pos == end {
		return 0, nil
	}
	if end-pos > size || pos%8 != 0 {
		return 0, r.skip(end, fmt.Errorf("%w: positions %d and %d in a buffer of %d bytes", errDamaged, pos, end, size))
	}
	r.seen = end - pos
	n, missed := 0, r.lost
	for pos != end && n < len(records) && (n == 0 || pos-r.tail <= size/8) {
		// struct perf_event_header does not wrap around, because records are aligned to 8 bytes.
		header := r.data[pos&(size-1):][:8]
		typ, length := *(*uint32)(unsafe.Pointer(&header[0])), uint64(*(*uint16)(unsafe.Pointer(&header[6])))
		if length < 8 || length%8 != 0 || length > end-pos {
			if n > 0 {
				break // the next scan starts with it
			}
			return 0, r.skip(end, fmt.Errorf("%w: record of %d bytes at position %d, where %d are left", errDamaged, length, pos, end-pos))
		}
		body := r.bytes(pos+8, length-8)
		pos += length
		switch {
		case typ == unix.PERF_RECORD_SAMPLE && len(body) >= 4:
			raw := min(uint64(*(*uint32)(unsafe.Pointer(&body[0]))), uint64(len(body)-4))
			records[n] = perfRecord{record{unsafe.Pointer(unsafe.SliceData(body[4:])), uint32(raw), pos}, missed}
			n, missed = n+1, 0
		case typ == unix.PERF_RECORD_LOST && len(body) >= 16:
			missed += *(*uint64)(unsafe.Pointer(&body[8])) // after the event's ID
		}
	}
	if n == 0 && pos != r.tail {
		lost.Add(missed - r.lost)
		r.lost = missed
		r.release(pos)
	}
	return n, nil
}

// skip skips what cannot be read, and returns err.
func (r *perfRing) skip(end uint64, err error) error {
	r.release(end)
	return fmt.Errorf("CPU %d: %w", r.cpu, err)
}

// bytes returns bytes of the ring, as a copy if they wrap around the end, which can happen only
// once in the contents of the ring.
func (r *perfRing) bytes(pos, n uint64) []byte {
	at := pos & uint64(len(r.data)-1)
	if at+n <= uint64(len(r.data)) {
		return r.data[at:][:n]
	}
	if r.piece == nil {
		r.piece = make([]byte, 1<<16) // maximum size of a record: perf_event_header.size
	}
	k := copy(r.piece, r.data[at:])
	copy(r.piece[k:], r.data[:n-uint64(k)])
	return r.piece[:n]
}
