//vmtest:all

package runtime

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/errtype"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A map has one reader at a time in a process, whichever handle opens it.
func TestSecondReader(t *testing.T) {
	rb, _ := newRingBuf(t, uint32(os.Getpagesize()))
	array, _ := newPerfArray(t)
	for _, tt := range []struct {
		name string
		m    *Map
		open func(m *Map) (interface{ Close() error }, error)
		op   string
	}{
		{"ring buffer", rb.Untyped(), func(m *Map) (interface{ Close() error }, error) {
			return NewRingBuf[event](m).Reader()
		}, opRingBuf},
		{"perf event array", array.Untyped(), func(m *Map) (interface{ Close() error }, error) {
			return NewPerfEventArray[uint64](m).Reader(PerfOptions{Pages: 1})
		}, opPerfArray},
	} {
		testSecond(t, tt.name, tt.m, tt.op, tt.open)
	}
	m, err := createTestMap(sys.MapCreateAttr{MapType: sys.MapTypeUserRingBuf, MaxEntries: uint32(os.Getpagesize())})
	sinceOrSkip(t, err, 6, 1, "BPF_MAP_TYPE_USER_RINGBUF")
	if err != nil {
		t.Fatal(err)
	}
	defer m.fd.close()
	testSecond(t, "user ring buffer", m, opUserRingBuf, func(m *Map) (interface{ Close() error }, error) {
		return NewUserRingBuf[event](m).Writer()
	})
}

func testSecond(t *testing.T, name string, m *Map, op string, open func(m *Map) (interface{ Close() error }, error)) {
	t.Helper()
	first, err := open(m)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	num, err := m.DupFD()
	if err != nil {
		t.Fatal(err)
	}
	other := newMap(m.spec())
	other.fd.set(num)
	defer other.fd.close()
	want := "map test: " + op + ": this process already has one open: close it first"
	for _, handle := range []*Map{m, other} {
		if _, err := open(handle); !errors.Is(err, unix.EBUSY) || err.Error() != want {
			t.Errorf("%s: second reader: %v, want %s", name, err, want)
		}
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	again, err := open(other)
	if err != nil {
		t.Fatalf("%s: after the first was closed: %v", name, err)
	}
	again.Close()
}

// Methods of nil and zero handles return errors instead of panicking.
func TestZeroHandles(t *testing.T) {
	type reader = RingBufReader[event]
	for name, use := range map[string]func(){
		"nil Map":             func() { _ = (*Map)(nil).Name() },
		"zero Map":            func() { _, _ = new(Map).ID() },
		"nil HashMap":         func() { _, _ = (*HashMap[uint32, uint32])(nil).Lookup(1) },
		"zero HashMap":        func() { _ = new(HashMap[uint32, uint32]).Update(1, 2, Any) },
		"zero HashMap's name": func() { _ = new(HashMap[uint32, uint32]).Name() },
		"nil ArrayMap": func() {
			_, _ = (*ArrayMap[uint32])(nil).LookupBatch(new(BatchCursor), make([]uint32, 1), make([]uint32, 1))
		},
		"nil HashMap, batch":   func() { _, _ = (*HashMap[uint32, uint32])(nil).DeleteBatch(nil) },
		"nil LPMTrie":          func() { _ = (*LPMTrie[uint64, uint32])(nil).Delete(1) },
		"nil HashMap, all":     func() { (*HashMap[uint32, uint32])(nil).Iterate().All()(nil) },
		"nil PerCPUHashMap":    func() { _, _ = (*PerCPUHashMap[uint32, uint32])(nil).Lookup(1) },
		"nil PerCPUArrayMap":   func() { (*PerCPUArrayMap[uint32])(nil).Iterate().All()(nil) },
		"nil QueueMap":         func() { _, _ = (*QueueMap[uint32])(nil).Pop() },
		"nil BloomFilter":      func() { _, _ = (*BloomFilter[uint32])(nil).Contains(1) },
		"nil LocalStorage":     func() { _, _ = (*LocalStorage[uint32])(nil).Lookup(1) },
		"nil ProgramArray":     func() { _ = (*ProgramArray)(nil).Delete(1) },
		"nil CgroupArray":      func() { _ = (*CgroupArray)(nil).Update(1, "/") },
		"nil SockMap":          func() { _ = (*SockMap)(nil).Delete(1) },
		"nil DevMap":           func() { _, _ = (*DevMap)(nil).Lookup(1) },
		"nil CPUMap":           func() { _ = (*CPUMap)(nil).Delete(1) },
		"nil XSKMap":           func() { _ = (*XSKMap)(nil).Delete(1) },
		"nil StackTraceMap":    func() { _, _ = (*StackTraceMap)(nil).IDs() },
		"nil Arena":            func() { _ = (*Arena)(nil).Bytes() },
		"nil HashOfMaps":       func() { _, _ = (*HashOfMaps[uint32, *Map])(nil).LookupID(1) },
		"zero ArrayOfMaps":     func() { _, _ = new(ArrayOfMaps[*Map]).Lookup(1) },
		"nil RingBuf":          func() { _, _ = (*RingBuf[event])(nil).Reader() },
		"nil PerfEventArray":   func() { _, _ = (*PerfEventArray[event])(nil).Reader(PerfOptions{}) },
		"nil UserRingBuf":      func() { _, _ = (*UserRingBuf[event])(nil).Writer() },
		"nil RingBufReader":    func() { _, _ = (*reader)(nil).Read(t.Context()) },
		"zero RingBufReader":   func() { _, _, _ = new(reader).TryRead() },
		"zero RingBufReader's": func() { new(reader).Close() },
		"nil RingBufReader's":  func() { (*reader)(nil).Iterate(t.Context()) },
		"zero RingBufIterator": func() { new(RingBufIterator[event]).All()(nil) },
		"zero Iterator":        func() { new(Iterator[uint32, uint32]).All()(nil) },
		"zero PerfReader":      func() { _, _ = new(PerfReader[event]).Read(t.Context()) },
		"zero PerfIterator":    func() { new(PerfIterator[event]).Borrow()(nil) },
		"zero writer":          func() { _ = new(UserRingBufWriter[event]).TryWrite(event{}) },
	} {
		func() {
			defer func() {
				if got, ok := recover().(string); !ok || !strings.HasPrefix(got, "bpf2lskel/runtime: use of a nil or zero ") {
					t.Errorf("%s: panic %v", name, got)
				}
			}()
			use()
		}()
	}
}

func TestCursorOfAnotherMap(t *testing.T) {
	a, b := newTestHash[uint32, uint32](t, 8), newTestHash[uint32, uint32](t, 8)
	if err := a.Update(1, 2, Any); err != nil {
		t.Fatal(err)
	}
	var cur BatchCursor
	keys, values := make([]uint32, 8), make([]uint32, 8)
	if n, err := a.LookupBatch(&cur, keys, values); n != 1 || err != nil {
		t.Fatalf("%d entries, %v", n, err)
	}
	_, err := b.LookupAndDeleteBatch(&cur, keys, values)
	want := "map test: batch lookup and delete: the cursor belongs to map test: start with a zero BatchCursor: invalid argument"
	if !errors.Is(err, unix.EINVAL) || err.Error() != want {
		t.Errorf("another map's cursor: %v, want %s", err, want)
	}
	if _, err := a.LookupBatch(nil, keys, values); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a nil cursor: %v", err)
	}
	if n, err := a.LookupBatch(&cur, keys, values); n != 0 || err != nil {
		t.Errorf("at the end: %d entries, %v", n, err)
	}
}

// Loops over a ring buffer end in various ways, and the reader remains usable.
func TestRingBufLoops(t *testing.T) {
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	next := uint64(0)
	fill := func(n int) {
		for range n {
			put(event{Seq: next})
			next++
		}
	}
	want := uint64(0)
	takeOne := func(what string, e event) {
		t.Helper()
		if e.Seq != want {
			t.Fatalf("%s: record %d, want %d", what, e.Seq, want)
		}
		want++
	}
	it := r.Iterate(t.Context())
	for round := range 100 { // several times around the ring
		fill(100)
		for e := range it.All() {
			takeOne("All", e)
			if want%100 == uint64(round)%50+1 {
				break
			}
		}
		if it.Err() != nil {
			t.Fatalf("after a break: %v", it.Err())
		}
		if e, ok, err := r.TryRead(); err != nil || !ok {
			t.Fatalf("after a loop: %v, %v", ok, err)
		} else {
			takeOne("TryRead", e)
		}
		for e := range it.Borrow() {
			takeOne("Borrow", *e)
			if want%100 == 0 {
				break
			}
		}
	}

	// By break and by a panic. Other reads are refused meanwhile.
	fill(3)
	for e := range it.All() {
		takeOne("All", e)
		if _, err := r.Read(t.Context()); !errors.Is(err, unix.EBUSY) {
			t.Errorf("Read in a loop: %v", err)
		}
		if _, _, err := r.TryRead(); !errors.Is(err, unix.EBUSY) {
			t.Errorf("TryRead in a loop: %v", err)
		}
		inner := r.Iterate(t.Context())
		for range inner.All() {
			t.Error("a nested loop got a record")
		}
		if !errors.Is(inner.Err(), unix.EBUSY) {
			t.Errorf("nested loop: %v", inner.Err())
		}
		break
	}
	func() {
		defer func() { _ = recover() }()
		for e := range it.Borrow() {
			takeOne("Borrow", *e)
			panic("in the body")
		}
	}()
	if e, ok, err := r.TryRead(); err != nil || !ok {
		t.Errorf("after a panic: %v, %v", ok, err)
	} else {
		takeOne("TryRead", e)
	}

	// By the context: at once, and while the loop waits.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := r.Iterate(ctx)
	fill(1)
	for e := range ended.All() {
		takeOne("All", e)
		time.AfterFunc(time.Millisecond, cancel)
	}
	if !errors.Is(ended.Err(), context.Canceled) {
		t.Errorf("canceled loop: %v", ended.Err())
	}
	fill(1)
	for range ended.All() {
		t.Error("got a record after the context was done")
	}
	if !errors.Is(ended.Err(), context.Canceled) {
		t.Errorf("context that is done: %v", ended.Err())
	}

	// By Close, in the body: the current record stays valid.
	fill(1)
	for e := range it.Borrow() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		takeOne("Borrow", *e)
	}
	if !errors.Is(it.Err(), os.ErrClosed) {
		t.Errorf("closed reader: %v", it.Err())
	}
	if r.r.mem.data != nil {
		t.Error("the memory is still mapped")
	}
	again, err := rb.Reader()
	if err != nil {
		t.Fatalf("after the loop: %v", err)
	}
	defer again.Close()
	if e, ok, err := again.TryRead(); err != nil || !ok {
		t.Errorf("remaining record: %v, %v", ok, err)
	} else {
		takeOne("TryRead", e)
	}
}

// A record of the wrong size ends a loop, and the next loop continues after it.
func TestRingBufLoopWrongType(t *testing.T) {
	rb, put := newRingBuf(t, uint32(os.Getpagesize()))
	r, err := NewRingBuf[uint32](rb.Untyped()).Reader()
	if err != nil {
		t.Fatal(err)
	}
	put(event{Seq: 1})
	put(event{Seq: 2})
	it := r.Iterate(t.Context())
	for range 2 {
		for range it.All() {
			t.Error("a record")
		}
		if size, ok := errtype.Of[*RecordSizeError](it.Err()); !ok || size.Record != 16 || size.Type != 4 {
			t.Errorf("wrong type: %v", it.Err())
		}
	}
	r.Close()
	raw, err := NewRingBuf[[]byte](rb.Untyped()).Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	put(event{Seq: 3})
	put(event{Seq: 4})
	n, bytes := byte(3), raw.Iterate(t.Context())
	for b := range bytes.Borrow() {
		if len(*b) != 16 || (*b)[0]+(*b)[7] != n {
			t.Errorf("record %d: %v", n, *b)
		}
		if n++; n == 5 {
			break
		}
	}
	if _, ok, err := raw.TryRead(); ok || err != nil {
		t.Errorf("more records: %v, %v", ok, err)
	}
}

// Concurrent readers neither wait forever nor miss a record, and each record is read once.
func TestRingBufTurns(t *testing.T) {
	rb, put := newRingBuf(t, uint32(16*os.Getpagesize()))
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	const events = 4000
	var (
		mu   sync.Mutex
		seen = make([]bool, events)
		got  int
		all  = make(chan struct{})
	)
	saw := func(e event) {
		mu.Lock()
		defer mu.Unlock()
		if seen[e.Seq] {
			t.Errorf("record %d was read twice", e.Seq)
		}
		seen[e.Seq] = true
		if got++; got == events {
			close(all)
		}
	}
	var readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() {
			for {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i+1)*time.Millisecond)
				var err error
				if i < 2 {
					var e event
					if e, err = r.Read(ctx); err == nil {
						saw(e)
					}
				} else {
					it := r.Iterate(ctx)
					for e := range it.All() {
						saw(e)
						if e.Seq%7 == 0 {
							break
						}
					}
					err = it.Err()
				}
				cancel()
				switch {
				case errors.Is(err, os.ErrClosed):
					return
				case err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, unix.EBUSY):
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range uint64(events) {
		put(event{Seq: i})
		if i%64 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	select {
	case <-all:
	case <-time.After(60 * time.Second):
		t.Errorf("%d of %d records", got, events)
	}
	r.Close()
	readers.Wait()
	if r.r.mem.data != nil {
		t.Error("the memory is still mapped")
	}
}

// An overwriting ring buffer gives the latest records and reports the lost bytes.
func TestRingBufOverwrites(t *testing.T) {
	m, err := createTestMap(sys.MapCreateAttr{MapType: sys.MapTypeRingBuf, MaxEntries: uint32(os.Getpagesize()), MapFlags: sys.FlagRbOverwrite})
	sinceOrSkip(t, err, 6, 19, "BPF_F_RB_OVERWRITE")
	if err != nil {
		t.Fatal(err)
	}
	defer m.fd.close()
	rb, put := ringBufOf(t, m)
	const events, taken = 1000, 16 + ringHeader
	for i := range uint64(events) {
		put(event{Seq: i})
	}
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	first, err := r.Read(t.Context())
	if err != nil || r.Lost() != first.Seq*taken || first.Seq == 0 || (events-first.Seq)*taken > uint64(r.Size()) {
		t.Fatalf("first record %+v, %v, %d bytes lost", first, err, r.Lost())
	}
	next, it := first.Seq+1, r.Iterate(t.Context())
	for e := range it.All() {
		if e.Seq != next {
			t.Fatalf("record %d, want %d", e.Seq, next)
		}
		if next++; next == events {
			break
		}
	}
	// If the record of a running loop is overwritten, the loop's copy stays.
	lost := r.Lost()
	put(event{Seq: events})
	for e := range it.Borrow() {
		for i := range uint64(events) {
			put(event{Seq: events + 1 + i})
		}
		if e.Seq != events {
			t.Errorf("a borrowed record became %d", e.Seq)
		}
		break
	}
	e, ok, err := r.TryRead()
	if !ok || err != nil || e.Seq <= events || r.Lost()-lost != (e.Seq-events-1)*taken {
		t.Errorf("record %+v, %v, %v, %d bytes lost", e, ok, err, r.Lost()-lost)
	}
	// A waiting reader is woken.
	for r.Lost() > 0 {
		if _, ok, err := r.TryRead(); err != nil {
			t.Fatal(err)
		} else if !ok {
			break
		}
	}
	time.AfterFunc(10*time.Millisecond, func() { put(event{Seq: 1 << 40}) })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if e, err := r.Read(ctx); err != nil || e.Seq != 1<<40 {
		t.Errorf("after a wait: %+v, %v", e, err)
	}
}

// Records that are overwritten while they are read are either complete or dropped.
func TestRingBufOverwritesReader(t *testing.T) {
	m, err := createTestMap(sys.MapCreateAttr{MapType: sys.MapTypeRingBuf, MaxEntries: uint32(os.Getpagesize()), MapFlags: sys.FlagRbOverwrite})
	sinceOrSkip(t, err, 6, 19, "BPF_F_RB_OVERWRITE")
	if err != nil {
		t.Fatal(err)
	}
	defer m.fd.close()
	rb, put := ringBufOf(t, m)
	r, err := rb.Reader()
	if err != nil {
		t.Fatal(err)
	}
	const events = 20000
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range uint64(events) {
			put(event{Seq: i + 1})
		}
		put(event{Seq: 1 << 40})
	})
	last, it := uint64(0), r.Iterate(t.Context())
	for e := range it.All() {
		if e.Seq <= last || e.Flags != 0 {
			t.Fatalf("record %+v after %d", e, last)
		}
		last = e.Seq
		if last == 1<<40 {
			break
		}
	}
	if it.Err() != nil {
		t.Error(it.Err())
	}
	writing.Wait()
	r.Close()
}
