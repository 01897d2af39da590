package runtime

import (
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func BenchmarkIterate(b *testing.B) {
	const entries = 50000
	h := newTestHash[uint64, counter](b, entries)
	for i := range uint64(entries) {
		if err := h.Update(i, counter{i, i}, Any); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("All", func(b *testing.B) {
		for b.Loop() {
			it := h.Iterate()
			n := 0
			for range it.All() {
				n++
			}
			if n != entries || it.Err() != nil {
				b.Fatal(n, it.Err())
			}
		}
	})
	b.Run("Batch", func(b *testing.B) {
		keys, values := make([]uint64, 4096), make([]counter, 4096)
		for b.Loop() {
			var cur BatchCursor
			sum := 0
			for {
				n, err := h.LookupBatch(&cur, keys, values)
				if err != nil {
					b.Fatal(err)
				}
				if n == 0 {
					break
				}
				sum += n
			}
			if sum != entries {
				b.Fatal(sum)
			}
		}
	})
}

func BenchmarkPerCPU(b *testing.B) {
	p := NewPerCPUArrayMap[uint64](newTestMap(b, sys.MapCreateAttr{
		MapType: sys.MapTypePerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 4,
	}))
	values := make([]uint64, p.CPUs())
	for b.Loop() {
		if err := p.LookupInto(1, values); err != nil {
			b.Fatal(err)
		}
	}
}
