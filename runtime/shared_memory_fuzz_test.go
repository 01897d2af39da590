package runtime

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/errtype"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

const (
	fuzzPage     = 64  // stands for a memory page
	fuzzRing     = 256 // bytes of a ring
	perfPageSize = 4096
)

// memory returns n bytes, aligned like a mapping.
func memory(n int) []byte {
	words := make([]uint64, n/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}

// neverReady is a waiter that stops waiting at once.
func neverReady(tb testing.TB) func() *waiter {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { unix.Close(pipe[1]) })
	w, err := newWaiter(pipe[0], "pipe", func() {})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.file.Close() })
	if err := w.file.SetDeadline(time.Unix(1, 0)); err != nil {
		tb.Fatal(err)
	}
	return func() *waiter {
		return &waiter{file: w.file, raw: w.raw, next: make(chan struct{}, 1), free: func() {}}
	}
}

// fuzzed runs the reader on a ring buffer with this memory.
func (r *ringReader) fuzzed(ready func() *waiter, consumer, producer, overwritten uint64, flags uint32, data []byte) {
	r.m, r.wait = newMap(&MapSpec{Name: "fuzzed"}), ready()
	r.ready = func(uintptr) bool { return false }
	m := &r.mem
	m.consumerPage, m.producerPages = memory(fuzzPage), memory(fuzzPage+2*fuzzRing)
	m.use(fuzzPage, fuzzRing, flags)
	copy(m.data[:fuzzRing], data)
	copy(m.data[fuzzRing:], m.data[:fuzzRing]) // the same pages
	storePosition(m.consumer, consumer)
	storePosition(m.producer, producer)
	if m.overwritten != nil {
		storePosition(m.overwritten, overwritten)
	}
}

// model returns what a reader must read from a ring, in the simplest way.
func model(consumer, producer uint64, data []byte) (records [][]byte, pos uint64, damaged bool) {
	if producer < consumer || producer-consumer > fuzzRing || consumer%8 != 0 || producer%8 != 0 || producer>>63 != 0 {
		return nil, consumer, true
	}
	for pos = consumer; pos < producer; {
		header := binary.NativeEndian.Uint32(data[pos%fuzzRing:])
		length := uint64(header &^ (ringBusy | ringDiscard))
		taken := (length + 8 + 7) / 8 * 8
		switch {
		case header&ringBusy != 0:
			return records, pos, false
		case taken > producer-pos:
			return records, pos, true
		case header&ringDiscard == 0:
			records = append(records, data[pos%fuzzRing+8:][:length])
		}
		pos += taken
	}
	return records, pos, false
}

// FuzzSharedMemory claims that readers and writers of memory shared with the kernel terminate
// whatever it contains, never access memory outside of it, and read the right records.
func FuzzSharedMemory(f *testing.F) {
	ready := neverReady(f)
	header := func(words ...uint32) (data []byte) {
		for _, w := range words {
			data = binary.NativeEndian.AppendUint32(data, w)
		}
		return data
	}
	f.Add(uint8(0), uint64(0), uint64(24), uint64(0), header(16, 0, 1, 2, 3, 4))
	f.Add(uint8(0), uint64(0), uint64(64), uint64(0), header(16|ringDiscard, 0, 1, 2, 3, 4, 16, 0, 1, 2, 3, 4, 5, 0, 9, 9))
	f.Add(uint8(0), uint64(240), uint64(280), uint64(0), header(1, 0, 1))
	f.Add(uint8(0), uint64(1)<<32-16, uint64(1)<<32+16, uint64(0), header(8, 0, 7, 7))
	f.Add(uint8(0), uint64(0), uint64(16), uint64(0), header(0x3fffffff))
	f.Add(uint8(0), uint64(0), uint64(48), uint64(0), header(8, 0, 7, 7, 8|ringDiscard, 0, 1, 1, 0x3fffffff))
	f.Add(uint8(0), uint64(0), uint64(16), uint64(0), header(ringBusy|8))
	f.Add(uint8(0), uint64(240), uint64(240), uint64(0), []byte{})
	f.Add(uint8(1), uint64(0), uint64(1024), uint64(800), header(16, 0, 1, 2, 3, 4))
	f.Add(uint8(1), uint64(24), uint64(0), uint64(0), []byte{})
	f.Add(uint8(1), uint64(0), uint64(0x3f3f3f3f), uint64(0), bytes.Repeat([]byte{0x3f}, fuzzRing))
	f.Add(uint8(2), uint64(0), uint64(24), uint64(0), header(9, 24<<16, 12, 1, 2, 3))
	f.Add(uint8(2), uint64(0), uint64(48), uint64(0), header(2, 24<<16, 0, 0, 5, 0, 9, 24<<16, 12, 1, 2, 3))
	f.Add(uint8(2), uint64(0), uint64(216), uint64(0), header(0x5a9e5ef8, 48<<16))
	f.Add(uint8(2), uint64(248), uint64(272), uint64(0), header(12, 1, 2, 3))
	f.Add(uint8(3), uint64(0), uint64(24), uint64(0), []byte("hello"))
	f.Add(uint8(3), uint64(8), uint64(0), uint64(0), []byte("hello"))
	f.Fuzz(func(t *testing.T, kind uint8, consumer, producer, overwritten uint64, data []byte) {
		switch kind % 4 {
		case 0:
			fuzzRingBuf(t, ready, consumer, producer, data)
		case 1:
			fuzzOverwriting(t, ready, consumer, producer, overwritten, data)
		case 2:
			fuzzPerf(t, ready, consumer, producer, data)
		case 3:
			fuzzWriter(t, ready, consumer, producer, data)
		}
	})
}

func fuzzRingBuf(t *testing.T, ready func() *waiter, consumer, producer uint64, data []byte) {
	one := &RingBufReader[[]byte]{raw: true}
	one.r.fuzzed(ready, consumer, producer, 0, 0, data)
	want, pos, damaged := model(consumer, producer, one.r.mem.data)

	check := func(r *ring, what string, err error) {
		t.Helper()
		if now := loadPosition(r.consumer, 0); now != pos {
			t.Errorf("%s: released up to %d, want %d", what, now, pos)
		}
		if damaged != errors.Is(err, errDamaged) || !damaged && err != nil {
			t.Errorf("%s: %v, damaged %v", what, err, damaged)
		}
	}
	for i := 0; ; i++ {
		got, ok, err := one.TryRead()
		if !ok {
			if i != len(want) {
				t.Fatalf("%d records, want %d", i, len(want))
			}
			check(&one.r.mem, "TryRead", err)
			break
		}
		if err != nil || !bytes.Equal(got, want[i]) {
			t.Fatalf("record %d: %v, %v, want %v", i, got, err, want[i])
		}
	}

	borrowed := &RingBufReader[[]byte]{raw: true}
	borrowed.r.fuzzed(ready, consumer, producer, 0, 0, data)
	n, it := 0, borrowed.Iterate(context.Background())
	for got := range it.Borrow() {
		if !bytes.Equal(*got, want[n]) {
			t.Fatalf("borrowed %d: %v, want %v", n, *got, want[n])
		}
		n++
	}
	if n != len(want) {
		t.Fatalf("%d borrowed, want %d", n, len(want))
	}
	check(&borrowed.r.mem, "Borrow", ended(it.Err()))

	consumed := &RingBufReader[[]byte]{raw: true}
	consumed.r.fuzzed(ready, consumer, producer, 0, 0, data)
	n, there := 0, consumed.Consume()
	for got := range there.All() {
		if !bytes.Equal(got, want[n]) {
			t.Fatalf("consumed %d: %v, want %v", n, got, want[n])
		}
		n++
	}
	if n != len(want) {
		t.Fatalf("%d consumed, want %d", n, len(want))
	}
	check(&consumed.r.mem, "Consume", there.Err())
	consumed.r.mem.some() // reads nothing outside

	typed := new(RingBufReader[event])
	typed.r.fuzzed(ready, consumer, producer, 0, 0, data)
	n, all := 0, typed.Iterate(context.Background())
	for {
		for e := range all.All() {
			if got := unsafe.Slice((*byte)(unsafe.Pointer(&e)), unsafe.Sizeof(e)); !bytes.Equal(got, want[n]) {
				t.Fatalf("typed %d: %v, want %v", n, got, want[n])
			}
			n++
		}
		wrong, ok := errtype.Of[*RecordSizeError](all.Err())
		if !ok {
			break
		}
		if wrong.Record != len(want[n]) || wrong.Record == int(unsafe.Sizeof(event{})) {
			t.Fatalf("typed %d: %v, want %v", n, wrong, want[n])
		}
		n++
	}
	if n != len(want) {
		t.Fatalf("%d typed, want %d", n, len(want))
	}
	check(&typed.r.mem, "All", ended(all.Err()))
}

// ended returns nil for the error that ends a loop over a waiter that is never ready.
func ended(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

func fuzzOverwriting(t *testing.T, ready func() *waiter, consumer, producer, overwritten uint64, data []byte) {
	r := &RingBufReader[[]byte]{raw: true}
	r.r.fuzzed(ready, consumer, producer, overwritten, sys.FlagRbOverwrite, data)
	begin := consumer
	if int64(overwritten-consumer) > 0 {
		begin = overwritten
	}
	want, _, damaged := model(begin, producer, r.r.mem.data)
	n, it := 0, r.Iterate(context.Background())
	for got := range it.All() {
		if !bytes.Equal(got, want[n]) {
			t.Fatalf("record %d: %v, want %v", n, got, want[n])
		}
		n++
	}
	if n != len(want) || damaged != errors.Is(it.Err(), errDamaged) || !damaged && ended(it.Err()) != nil {
		t.Fatalf("%d records, %v, want %d, damaged %v", n, it.Err(), len(want), damaged)
	}
	if begin != consumer && r.Lost() != begin-consumer {
		t.Fatalf("%d bytes lost, want %d", r.Lost(), begin-consumer)
	}
}

// perfModel returns what a reader must read from a perf buffer.
func perfModel(tail, head uint64, data []byte) (records [][]byte, lost uint64, damaged bool) {
	if tail%8 != 0 || head-tail > fuzzRing {
		return nil, 0, tail != head
	}
	at := func(pos, n uint64) (b []byte) {
		for i := range n {
			b = append(b, data[(pos+i)%fuzzRing])
		}
		return b
	}
	for pos := tail; pos != head; {
		header := at(pos, 8)
		size := uint64(binary.NativeEndian.Uint16(header[6:]))
		if size < 8 || size%8 != 0 || size > head-pos {
			return records, lost, true
		}
		body := at(pos+8, size-8)
		switch typ := binary.NativeEndian.Uint32(header); {
		case typ == unix.PERF_RECORD_SAMPLE && len(body) >= 4:
			raw := body[4:]
			records = append(records, raw[:min(uint64(len(raw)), uint64(binary.NativeEndian.Uint32(body)))])
		case typ == unix.PERF_RECORD_LOST && len(body) >= 16:
			lost += binary.NativeEndian.Uint64(body[8:])
		}
		pos += size
	}
	return records, lost, false
}

func fuzzPerf(t *testing.T, ready func() *waiter, tail, head uint64, data []byte) {
	open := func() *PerfReader[[]byte] {
		mem := memory(perfPageSize + fuzzRing)
		copy(mem[perfPageSize:], data)
		page := (*unix.PerfEventMmapPage)(unsafe.Pointer(&mem[0]))
		page.Data_tail, page.Data_head = tail, head
		ring := new(perfRing)
		ring.use(mem, perfPageSize)
		r := &PerfReader[[]byte]{raw: true}
		r.r.m, r.r.wait, r.r.rings = newMap(&MapSpec{Name: "fuzzed"}), ready(), []*perfRing{ring}
		r.r.ready = func(uintptr) bool { return false }
		return r
	}
	one := open()
	want, wantLost, damaged := perfModel(tail, head, one.r.rings[0].data)
	for i := 0; ; i++ {
		got, ok, err := one.TryRead()
		if !ok {
			if i != len(want) || damaged != errors.Is(err, errDamaged) || !damaged && err != nil {
				t.Fatalf("%d records, %v, want %d, damaged %v", i, err, len(want), damaged)
			}
			break
		}
		if err != nil || !bytes.Equal(got.Value, want[i]) {
			t.Fatalf("record %d: %v, %v, want %v", i, got, err, want[i])
		}
	}
	// After the damage the buffer acts as if it were empty.
	if _, ok, err := one.TryRead(); ok || err != nil || one.r.rings[0].page.Data_tail != head {
		t.Fatalf("afterwards: %v, %v, tail %d of %d", ok, err, one.r.rings[0].page.Data_tail, head)
	}
	if !damaged && one.Lost() != wantLost {
		t.Fatalf("%d lost, want %d", one.Lost(), wantLost)
	}

	all := open()
	n, it := 0, all.Iterate(context.Background())
	for rec := range it.Borrow() {
		if !bytes.Equal(rec.Value, want[n]) {
			t.Fatalf("borrowed %d: %v, want %v", n, rec.Value, want[n])
		}
		n++
	}
	if n != len(want) || damaged != errors.Is(it.Err(), errDamaged) || all.Lost() != one.Lost() {
		t.Fatalf("%d borrowed, %v, %d lost, want %d, damaged %v, %d lost", n, it.Err(), all.Lost(), len(want), damaged, one.Lost())
	}
}

func fuzzWriter(t *testing.T, ready func() *waiter, consumer, producer uint64, record []byte) {
	w := &UserRingBufWriter[[]byte]{raw: true, w: ringWriter{m: newMap(&MapSpec{Name: "fuzzed"}), wait: ready()}}
	w.w.consumerPage, w.w.producerPages = memory(fuzzPage), memory(fuzzPage+2*fuzzRing)
	w.w.use(fuzzPage, fuzzRing)
	storePosition(w.w.consumer, consumer)
	storePosition(w.w.producer, producer)
	if n, err := w.WriteBatch(t.Context(), nil); n != 0 || err != nil {
		t.Fatalf("a batch of none: %d, %v", n, err)
	}
	used := producer - consumer
	err := w.TryWrite(record)
	now := loadPosition(w.w.producer, producer)
	switch {
	case taken(uint32(len(record))) > fuzzRing:
		if _, ok := errtype.Of[*RecordSizeError](err); !ok {
			t.Fatalf("too long: %v", err)
		}
	case used > fuzzRing || producer&notPosition != 0:
		if !errors.Is(err, errDamaged) {
			t.Fatalf("positions %d, %d: %v", consumer, producer, err)
		}
	case fuzzRing-used < taken(uint32(len(record))):
		if !errors.Is(err, ErrMapFull) {
			t.Fatalf("no room: %v", err)
		}
	default:
		if err != nil || now != producer+taken(uint32(len(record))) {
			t.Fatalf("got %v, producer at %d", err, now)
		}
		at := producer % fuzzRing
		if got := w.w.data[at+8:][:len(record)]; binary.NativeEndian.Uint32(w.w.data[at:]) != uint32(len(record)) || !bytes.Equal(got, record) {
			t.Fatalf("wrote %v", got)
		}
		return
	}
	if now != producer {
		t.Fatalf("producer moved to %d after %v", now, err)
	}
}
