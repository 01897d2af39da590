//vmtest:all

package runtime

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func TestArrayMap(t *testing.T) {
	a := NewArrayMap[counter](newTestMap(t, sys.MapCreateAttr{
		MapType: sys.MapTypeArray, KeySize: 4, ValueSize: 16, MaxEntries: 10000,
	}))
	for i := range uint32(10000) {
		if err := a.Update(i, counter{uint64(i), 7}, Any); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := a.Lookup(9999); err != nil || v != (counter{9999, 7}) {
		t.Errorf("lookup: %v, %v", v, err)
	}
	if _, err := a.Lookup(10000); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("lookup past the end: %v", err)
	}
	err := a.Update(10000, counter{}, Any)
	if !errors.Is(err, ErrKeyNotExist) || errors.Is(err, ErrMapFull) || !errors.Is(err, unix.E2BIG) {
		t.Errorf("update past the end: %v", err)
	}
	next := uint32(0)
	it := a.Iterate()
	for i, v := range it.All() {
		if i != next || v.Packets != uint64(i) {
			t.Fatalf("entry %d: key %d, value %v", next, i, v)
		}
		next++
	}
	if next != 10000 || it.Err() != nil {
		t.Errorf("%d entries, %v", next, it.Err())
	}
}

func TestPerCPUMaps(t *testing.T) {
	cpus, err := PossibleCPUs()
	if err != nil {
		t.Fatal(err)
	}
	values := make([]uint32, cpus)
	for i := range values {
		values[i] = uint32(i) + 1
	}
	check := func(got []uint32, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if v != values[i] {
				t.Errorf("CPU %d has %d", i, v)
			}
		}
	}

	for _, kind := range []uint32{sys.MapTypePerCPUHash, sys.MapTypeLRUPerCPUHash} {
		h := NewPerCPUHashMap[uint32, uint32](newTestMap(t, sys.MapCreateAttr{
			MapType: kind, KeySize: 4, ValueSize: 4, MaxEntries: 1000,
		}))
		if _, err := h.Lookup(1); !errors.Is(err, ErrKeyNotExist) {
			t.Errorf("lookup of a missing key: %v", err)
		}
		if err := h.Update(1, make([]uint32, cpus+1), Any); !errors.Is(err, unix.EINVAL) {
			t.Errorf("too many values: %v", err)
		}
		for i := range uint32(500) {
			if err := h.Update(i, values, Any); err != nil {
				t.Fatal(err)
			}
		}
		check(h.Lookup(5))
		n := 0
		it := h.Iterate()
		for _, v := range it.All() {
			check(v, nil)
			n++
		}
		if n != 500 || it.Err() != nil {
			t.Errorf("%d entries, %v", n, it.Err())
		}
		check(h.LookupAndDelete(5))
		if err := h.Delete(5); !errors.Is(err, ErrKeyNotExist) {
			t.Errorf("delete of a missing key: %v", err)
		}
	}

	a := NewPerCPUArrayMap[uint32](newTestMap(t, sys.MapCreateAttr{
		MapType: sys.MapTypePerCPUArray, KeySize: 4, ValueSize: 4, MaxEntries: 100,
	}))
	for i := range uint32(100) {
		if err := a.Update(i, values, Any); err != nil {
			t.Fatal(err)
		}
	}
	check(a.Lookup(99))
	n := 0
	it := a.Iterate()
	for _, v := range it.All() {
		check(v, nil)
		n++
	}
	if n != 100 || it.Err() != nil {
		t.Errorf("%d entries, %v", n, it.Err())
	}
}
