//vmtest:all

package runtime

import (
	"errors"
	"maps"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func TestHashMap(t *testing.T) {
	h := newTestHash[uint64, counter](t, 2)

	_, err := h.Lookup(1)
	if !errors.Is(err, ErrKeyNotExist) || !errors.Is(err, unix.ENOENT) {
		t.Errorf("lookup of a missing key: %v", err)
	}
	if got, want := err.Error(), "map test: lookup: key does not exist"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if err := h.Update(1, counter{10, 100}, Exist); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("Exist without the key: %v", err)
	}
	if err := h.Update(1, counter{10, 100}, NoExist); err != nil {
		t.Error(err)
	}
	if err := h.Update(1, counter{11, 110}, NoExist); !errors.Is(err, ErrKeyExist) || !errors.Is(err, unix.EEXIST) {
		t.Errorf("NoExist with the key: %v", err)
	}
	if v, err := h.Lookup(1); err != nil || v != (counter{10, 100}) {
		t.Errorf("lookup: %v, %v", v, err)
	}
	var v counter
	if err := h.LookupInto(1, &v); err != nil || v != (counter{10, 100}) {
		t.Errorf("lookup into: %v, %v", v, err)
	}
	if err := h.LookupInto(2, &v); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("lookup into of a missing key: %v", err)
	}
	if err := h.Update(2, counter{}, Any); err != nil {
		t.Error(err)
	}
	if err := h.Update(3, counter{}, Any); !errors.Is(err, ErrMapFull) || !errors.Is(err, unix.E2BIG) {
		t.Errorf("update of a full map: %v", err)
	}
	if v, err := h.LookupAndDelete(1); err != nil || v != (counter{10, 100}) {
		t.Errorf("lookup and delete: %v, %v", v, err)
	}
	if _, err := h.LookupAndDelete(1); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("lookup and delete of a missing key: %v", err)
	}
	if err := h.Delete(2); err != nil {
		t.Error(err)
	}
	if err := h.Delete(2); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("delete of a missing key: %v", err)
	}
}

// Padding in keys is zeroed, whatever a goroutine's stack held before.
func TestHashMapPaddedKeys(t *testing.T) {
	type padded struct {
		A uint8
		_ [3]byte
		B uint32
		C uint8 // the compiler pads this one
	}
	h := newTestHash[padded, uint32](t, 8)
	dirty := [12]byte{0: 1, 1: 0xff, 2: 0xff, 3: 0xff, 4: 2, 8: 3, 9: 0xff, 10: 0xff, 11: 0xff}
	_, _ = h.Lookup(*(*padded)(unsafe.Pointer(&dirty)))
	if err := h.Update(padded{A: 1, B: 2, C: 3}, 4, Any); err != nil {
		t.Fatal(err)
	}
	clean := NewHashMap[[12]byte, uint32](h.Untyped())
	want := [12]byte{0: 1, 8: 3}
	*(*uint32)(unsafe.Pointer(&want[4])) = 2
	if v, err := clean.Lookup(want); err != nil || v != 4 {
		t.Errorf("lookup of the bytes without padding: %v, %v", v, err)
	}
}

func TestLRUHash(t *testing.T) {
	h := NewHashMap[uint32, uint32](newTestMap(t, sys.MapCreateAttr{
		MapType: sys.MapTypeLRUHash, KeySize: 4, ValueSize: 4, MaxEntries: 16,
	}))
	for i := range uint32(1000) {
		if err := h.Update(i, i, Any); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := h.Lookup(999); err != nil || v != 999 {
		t.Errorf("the newest: %v, %v", v, err)
	}
}

func TestLPMTrie(t *testing.T) {
	type prefix struct {
		Bits uint32
		Addr [4]byte
	}
	l := NewLPMTrie[prefix, uint32](newTestMap(t, sys.MapCreateAttr{
		MapType: sys.MapTypeLPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 100, MapFlags: sys.FlagNoPrealloc,
	}))
	entries := map[prefix]uint32{
		{8, [4]byte{10}}:           1,
		{16, [4]byte{10, 1}}:       2,
		{24, [4]byte{10, 1, 2}}:    3,
		{24, [4]byte{192, 0, 2}}:   4,
		{32, [4]byte{10, 1, 2, 3}}: 5,
	}
	for k, v := range entries {
		if err := l.Update(k, v, Any); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := l.Lookup(prefix{32, [4]byte{10, 1, 9, 9}}); err != nil || v != 2 {
		t.Errorf("longest prefix of 10.1.9.9: %v, %v", v, err)
	}
	if _, err := l.Lookup(prefix{32, [4]byte{11}}); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("prefix of 11.0.0.0: %v", err)
	}
	it := l.Iterate()
	if got := maps.Collect(it.All()); it.Err() != nil || !maps.Equal(got, entries) {
		t.Errorf("all: %v, %v", got, it.Err())
	}
	// Iterating with deletions would start over and over.
	seen := map[prefix]uint32{}
	for k, v := range it.All() {
		seen[k] = v
		if err := l.Delete(k); err != nil {
			t.Error(err)
		}
	}
	if it.Err() != nil || !maps.Equal(seen, entries) {
		t.Errorf("all, deleting: %v, %v", seen, it.Err())
	}
}

func TestIterationSurvivesDeletion(t *testing.T) {
	const entries = 5000
	h := newTestHash[uint32, uint32](t, 2*entries)
	for i := range uint32(2 * entries) {
		if err := h.Update(i, i*3, Any); err != nil {
			t.Fatal(err)
		}
	}
	// The upper half of the entries is added and deleted all the time.
	done := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			for i := uint32(entries); i < 2*entries; i++ {
				select {
				case <-done:
					return
				default:
				}
				_ = h.Delete(i)
				_ = h.Update(i, i*3, Any)
			}
		}
	})
	for range 10 {
		seen := map[uint32]int{}
		it := h.Iterate()
		for k, v := range it.All() {
			if v != k*3 {
				t.Fatalf("key %d has value %d", k, v)
			}
			seen[k]++
		}
		if err := it.Err(); err != nil {
			t.Fatal(err)
		}
		for i := range uint32(entries) {
			if seen[i] != 1 {
				t.Fatalf("key %d, which always existed, appeared %d times", i, seen[i])
			}
		}
	}
	close(done)
	busy.Wait()

	// The loop body may delete entries and stop.
	var n int
	for k := range h.Iterate().All() {
		if err := h.Delete(k); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2*entries {
		t.Errorf("%d of %d entries", n, 2*entries)
	}
	for range h.Iterate().All() {
		t.Error("not empty")
	}
}

// Large hash buckets do not fit in the initial buffer of an iteration.
func TestIterationOfLargeValues(t *testing.T) {
	type large [60 << 10]byte
	h := newTestHash[uint32, large](t, 64)
	var v large
	for i := range uint32(64) {
		v[0] = byte(i)
		if err := h.Update(i, v, Any); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	it := h.Iterate()
	for k, v := range it.All() {
		if v[0] != byte(k) {
			t.Errorf("key %d has value %d", k, v[0])
		}
		n++
	}
	if n != 64 || it.Err() != nil {
		t.Errorf("%d entries, %v", n, it.Err())
	}
}

func TestHashBatches(t *testing.T) {
	const entries = 1000
	h := newTestHash[uint32, counter](t, entries)
	keys, values := make([]uint32, entries), make([]counter, entries)
	want := map[uint32]counter{}
	for i := range keys {
		keys[i], values[i] = uint32(i), counter{uint64(i), 2}
		want[keys[i]] = values[i]
	}
	if n, err := h.UpdateBatch(keys, values, Any); n != entries || err != nil {
		t.Fatalf("update: %d, %v", n, err)
	}
	if n, err := h.UpdateBatch(keys, values, NoExist); n != 0 || !errors.Is(err, ErrKeyExist) {
		t.Errorf("update, NoExist: %d, %v", n, err)
	}
	if n, err := h.UpdateBatch([]uint32{1, entries}, values[1:3], Any); n != 1 || !errors.Is(err, ErrMapFull) {
		t.Errorf("update of a full map: %d, %v", n, err)
	}

	read := func(next func(*BatchCursor, []uint32, []counter) (int, error)) map[uint32]counter {
		t.Helper()
		var cur BatchCursor
		got := map[uint32]counter{}
		k, v := make([]uint32, 100), make([]counter, 100)
		for {
			n, err := next(&cur, k, v)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				return got
			}
			for i := range n {
				got[k[i]] = v[i]
			}
		}
	}
	if got := read(h.LookupBatch); !maps.Equal(got, want) {
		t.Errorf("lookup: %d entries", len(got))
	}
	if n, err := h.DeleteBatch([]uint32{1, 2, 1}); n != 2 || !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("delete: %d, %v", n, err)
	}
	delete(want, 1)
	delete(want, 2)
	if got := read(h.LookupAndDeleteBatch); !maps.Equal(got, want) {
		t.Errorf("lookup and delete: %d entries", len(got))
	}
	if got := read(h.LookupBatch); len(got) != 0 {
		t.Errorf("%d entries are left", len(got))
	}
	_, err := h.LookupBatch(new(BatchCursor), keys, values[:1])
	if !errors.Is(err, unix.EINVAL) {
		t.Errorf("slices of different lengths: %v", err)
	}
}

// Without batch operations, the results are the same.
func TestHashKeyByKey(t *testing.T) {
	h := newTestHash[uint32, uint32](t, 100)
	want := map[uint32]uint32{}
	for i := range uint32(100) {
		want[i] = i + 1
		if err := h.Update(i, i+1, Any); err != nil {
			t.Fatal(err)
		}
	}
	for _, remove := range []bool{false, true} {
		cur := BatchCursor{place: keyStart, token: make([]byte, 4)}
		got := map[uint32]uint32{}
		keys, values := make([]uint32, 7), make([]uint32, 7)
		for {
			n, err := h.m().readBatch(&cur, unsafe.Pointer(&keys[0]), unsafe.Pointer(&values[0]), len(keys), 4, remove)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			for i := range n {
				got[keys[i]] = values[i]
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("remove %v: got %v", remove, got)
		}
	}
	for range h.Iterate().All() {
		t.Error("not empty")
	}
}
