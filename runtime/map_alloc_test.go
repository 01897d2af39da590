//vmtest:all

package runtime

import (
	"testing"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// raceEnabled is set with the race detector, under which sync.Pool drops items at random.
var raceEnabled bool

func TestMapsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool drop items")
	}
	h := newTestHash[uint64, counter](t, 8)
	a := NewArrayMap[counter](newTestMap(t, sys.MapCreateAttr{
		MapType: sys.MapTypeArray, KeySize: 4, ValueSize: 16, MaxEntries: 4,
	}))
	p := NewPerCPUArrayMap[uint64](newTestMap(t, sys.MapCreateAttr{
		MapType: sys.MapTypePerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 4,
	}))
	values := make([]uint64, p.CPUs())
	for _, tt := range []struct {
		name string
		do   func()
	}{
		{"hash update", func() { _ = h.Update(1, counter{1, 2}, Any) }},
		{"hash lookup", func() { _, _ = h.Lookup(1) }},
		{"hash lookup of a missing key", func() { _, _ = h.Lookup(2) }},
		{"hash delete of a missing key", func() { _ = h.Delete(2) }},
		{"hash lookup and delete", func() { _, _ = h.LookupAndDelete(1) }},
		{"array update", func() { _ = a.Update(1, counter{1, 2}, Any) }},
		{"array lookup", func() { _, _ = a.Lookup(1) }},
		{"per-CPU lookup", func() { _ = p.LookupInto(1, values) }},
		{"per-CPU update", func() { _ = p.Update(1, values, Any) }},
	} {
		if n := testing.AllocsPerRun(1000, tt.do); n != 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}

// BenchmarkMap uses an 8-byte key and a 16-byte value, with this package and with idiomatic
// github.com/cilium/ebpf.
func BenchmarkMap(b *testing.B) {
	h := newTestHash[uint64, counter](b, 1024)
	num, err := h.DupFD()
	if err != nil {
		b.Fatal(err)
	}
	other, err := ebpf.NewMapFromFD(num)
	if err != nil {
		b.Fatal(err)
	}
	defer other.Close()
	for i := range uint64(1024) {
		if err := h.Update(i, counter{i, i}, Any); err != nil {
			b.Fatal(err)
		}
	}

	b.Run("Lookup/bpf2lskel", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if v, err := h.Lookup(uint64(i) % 1024); err != nil || v.Packets != uint64(i)%1024 {
				b.Fatal(v, err)
			}
		}
	})
	b.Run("Lookup/cilium", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			var v counter
			if err := other.Lookup(uint64(i)%1024, &v); err != nil || v.Packets != uint64(i)%1024 {
				b.Fatal(v, err)
			}
		}
	})
	b.Run("Update/bpf2lskel", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if err := h.Update(uint64(i)%1024, counter{uint64(i) % 1024, 0}, Any); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Update/cilium", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if err := other.Update(uint64(i)%1024, counter{uint64(i) % 1024, 0}, ebpf.UpdateAny); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Update/cilium, reused pointers", func(b *testing.B) {
		b.ReportAllocs()
		k, v := new(uint64), new(counter)
		for i := range b.N {
			*k, v.Packets = uint64(i)%1024, uint64(i)%1024
			if err := other.Update(k, v, ebpf.UpdateAny); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Lookup/cilium, reused pointers", func(b *testing.B) {
		b.ReportAllocs()
		k, v := new(uint64), new(counter)
		for i := range b.N {
			*k = uint64(i) % 1024
			if err := other.Lookup(k, v); err != nil || v.Packets != *k {
				b.Fatal(v, err)
			}
		}
	})
}
