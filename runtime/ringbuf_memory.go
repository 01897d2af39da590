package runtime

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

const (
	ringBusy    = sys.RingbufBusyBit
	ringDiscard = sys.RingbufDiscardBit
	ringHeader  = sys.RingbufHdrSz
	// notPosition are bits that are never set in a position: records are aligned, and positions
	// stay smaller.
	notPosition = 1<<63 | 7
)

// errDamaged means that memory shared with the kernel contains something that the kernel does not
// write. Nothing is read from it.
var errDamaged error = &sentinelError{text: "the buffer's memory is corrupt", errno: unix.EBADMSG}

// ring is the memory of a ring buffer, as seen by its reader (struct bpf_ringbuf). Positions are in
// bytes, and only grow.
type ring struct {
	consumerPage, producerPages []byte
	consumer, producer          *uint64
	overwritten                 *uint64 // end of the overwritten part; nil if the ring does not overwrite
	data                        []byte  // the ring, mapped twice in a row, so that no record is split
	size                        uint64  // a power of two

	pos     uint64        // of the next record
	end     uint64        // of the records that the reader knows of
	lost    atomic.Uint64 // bytes overwritten before they were read
	backlog atomic.Uint64 // bytes present at the last look
	scratch []uint64      // copy of a record, for a ring that overwrites
}

// record is a record in a ring buffer. Its bytes are in the ring, and are valid until its end is
// released.
type record struct {
	bytes unsafe.Pointer
	size  uint32
	end   uint64 // position after it
}

// taken returns the number of bytes that a record of the given size takes up in the ring.
func taken(size uint32) uint64 { return (uint64(size) + ringHeader + 7) &^ 7 }

// mmap maps the consumer's page, which the reader may write to, and after it the producer's page
// and the data (ringbuf_map_mmap_kern).
func (r *ring) mmap(num int, size uint32, flags uint32) (err error) {
	page := unix.Getpagesize()
	r.consumerPage, err = unix.Mmap(num, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map consumer page: %w", err)
	}
	r.producerPages, err = unix.Mmap(num, int64(page), page+2*int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Munmap(r.consumerPage)
		return fmt.Errorf("map producer pages: %w", err)
	}
	r.use(page, size, flags)
	return nil
}

// use sets the fields that point into the mapped memory.
func (r *ring) use(page int, size uint32, flags uint32) {
	r.consumer = (*uint64)(unsafe.Pointer(&r.consumerPage[0]))
	r.producer = (*uint64)(unsafe.Pointer(&r.producerPages[0]))
	r.data, r.size = r.producerPages[page:][:2*int(size)], uint64(size)
	r.pos, r.end = firstNear, firstNear
	if flags&sys.FlagRbOverwrite != 0 {
		// producer_pos, pending_pos, overwrite_pos
		r.overwritten = (*uint64)(unsafe.Pointer(&r.producerPages[2*longSize()]))
	}
}

func (r *ring) munmap() {
	_ = unix.Munmap(r.consumerPage)
	_ = unix.Munmap(r.producerPages)
	r.data = nil
}

// look reads the positions.
func (r *ring) look() error {
	r.pos = loadPosition(r.consumer, r.pos)
	r.end = loadPosition(r.producer, r.pos)
	if r.end-r.pos > r.size || (r.pos|r.end)&notPosition != 0 {
		err := fmt.Errorf("%w: positions %d and %d in a ring of %d bytes", errDamaged, r.pos, r.end, r.size)
		r.end = r.pos
		return err
	}
	r.backlog.Store(r.end - r.pos)
	return nil
}

// some reports whether there is a record, or corruption, which reading will report. A record that
// is reserved but not submitted yet does not count.
func (r *ring) some() bool {
	pos := loadPosition(r.consumer, r.pos)
	if pos == loadPosition(r.producer, pos) {
		return false
	}
	header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[pos&(r.size-1)&^7])))
	return r.overwritten != nil || header&ringBusy == 0
}

// release returns everything before pos to the kernel.
func (r *ring) release(pos uint64) {
	r.pos = pos
	storePosition(r.consumer, pos)
}

// scan finds the next records, and skips discarded ones. It may leave records for the next scan: if
// they do not fit into records, or to return room to the kernel before the ring is full.
func (r *ring) scan(records []record) (int, error) {
	if r.overwritten != nil {
		return r.scanOverwriting(records)
	}
	if r.pos == r.end {
		if err := r.look(); err != nil {
			return 0, err
		}
	}
	n, pos, end, data, mask := 0, r.pos, r.end, r.data, r.size-1
	for pos != end {
		at := pos & mask
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&data[at])))
		if header&ringBusy != 0 {
			break // reserved, not submitted yet
		}
		size := uint64(header &^ ringDiscard)
		next := pos + taken(uint32(size))
		if next-pos > end-pos {
			if n > 0 {
				break // the next scan starts with it
			}
			r.release(pos)
			return 0, damagedRecord(size, pos, end)
		}
		pos = next
		if header&ringDiscard != 0 {
			continue
		}
		records[n] = record{unsafe.Pointer(&data[at+ringHeader]), uint32(size), pos}
		n++
		if n == len(records) || pos-r.pos > r.size/8 {
			break
		}
	}
	if n == 0 && pos != r.pos {
		r.release(pos)
	}
	return n, nil
}

// fast returns the bytes of the record at pos if the record is complete, has the given size, and
// was not discarded.
func (r *ring) fast(pos uint64, size uint32) unsafe.Pointer {
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(r.data)), pos&(r.size-1))
	if r.end-pos < uint64(size)+ringHeader || atomic.LoadUint32((*uint32)(p)) != size {
		return nil
	}
	return unsafe.Add(p, ringHeader)
}

func damagedRecord(size, pos, end uint64) error {
	return fmt.Errorf("%w: record of %d bytes at position %d, where %d are left", errDamaged, size, pos, end-pos)
}

// scanOverwriting is scan for rings that overwrite, one record at a time. The kernel may overwrite
// the record at any moment, so it is copied. The copy is valid if the kernel has not reached it by
// then.
func (r *ring) scanOverwriting(records []record) (int, error) {
	for tries := 0; tries < 1000; tries++ {
		r.pos = loadPosition(r.consumer, r.pos)
		r.end = loadPosition(r.producer, r.pos)
		// The order matters: the difference of end and overwrite position is at most the ring's
		// size (__bpf_ringbuf_reserve). It may be negative.
		over := loadPosition(r.overwritten, r.pos)
		if behind := int64(over - r.pos); behind > 0 {
			r.lost.Add(uint64(behind))
			r.release(over)
		}
		left := int64(r.end - r.pos)
		if left < 0 {
			continue
		}
		r.backlog.Store(uint64(left))
		if uint64(left) > r.size || (r.pos|r.end)&notPosition != 0 {
			return 0, fmt.Errorf("%w: positions %d and %d in a ring of %d bytes", errDamaged, r.pos, r.end, r.size)
		}
		if left == 0 {
			return 0, nil
		}
		at := r.pos & (r.size - 1)
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[at])))
		size := uint64(header &^ (ringBusy | ringDiscard))
		next := r.pos + taken(uint32(size))
		fits := next-r.pos <= uint64(left)
		var bytes unsafe.Pointer
		if fits && header&(ringBusy|ringDiscard) == 0 {
			bytes = r.keep(r.data[at+ringHeader:][:size])
		}
		// This store is for ordering: it separates the loads before it from the load after it.
		storePosition(r.consumer, r.pos)
		switch over := loadPosition(r.overwritten, r.pos); {
		case int64(over-r.pos) > 0:
			continue
		case header&ringBusy != 0: // reserved, not submitted yet: the kernel does not overwrite it
			return 0, nil
		case !fits:
			return 0, damagedRecord(size, r.pos, r.end)
		case header&ringDiscard != 0:
			r.release(next)
			tries = -1
		default:
			records[0] = record{bytes, uint32(size), next}
			return 1, nil
		}
	}
	return 0, fmt.Errorf("%w: read position %d, write position %d, overwrite position %d", errDamaged,
		r.pos, r.end, loadPosition(r.overwritten, r.pos))
}

// keep copies a record.
func (r *ring) keep(bytes []byte) unsafe.Pointer {
	if words := len(bytes)/8 + 1; len(r.scratch) < words {
		r.scratch = make([]uint64, words)
	}
	p := unsafe.Pointer(&r.scratch[0])
	copy(unsafe.Slice((*byte)(p), len(bytes)), bytes)
	return p
}
