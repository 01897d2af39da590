//vmtest:all

package ciliumexamples

import (
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/map_in_map"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Inner maps have different lengths, and the kernel confirms them.
func TestMapInMap(t *testing.T) {
	s := loaded(t, map_in_map.Load)
	lengths := []uint32{1, 50, 7, 33, 2}
	for i, length := range lengths {
		inner, err := s.Maps.OuterMap.NewInner(&runtime.InnerOptions{MaxEntries: length})
		if err != nil {
			t.Fatal(err)
		}
		for j := range length {
			if err := inner.Map.Update(j, 0xCAFE, runtime.Any); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Maps.OuterMap.Update(uint32(i), inner.Map); err != nil {
			t.Fatal(err)
		}
		if err := inner.Close(); err != nil { // the outer map keeps it
			t.Fatal(err)
		}
	}

	seen := 0
	it := s.Maps.OuterMap.Iterate()
	for i, id := range it.All() {
		seen++
		m, err := runtime.OpenMapID(id)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.ID != id || info.Type != sys.MapTypeArray || info.KeySize != 4 || info.ValueSize != 4 || info.MaxEntries != lengths[i] ||
			info.Flags != sys.FlagInnerMap {
			t.Errorf("index %d: %+v, want an array of %d", i, info, lengths[i])
		}
		values, err := runtime.TypedMap(m, runtime.NewArrayMap[uint32])
		if err != nil {
			t.Fatal(err)
		}
		if v, err := values.Lookup(lengths[i] - 1); err != nil || v != 0xCAFE {
			t.Errorf("index %d: the last value is %#x, %v", i, v, err)
		}
	}
	if err := it.Err(); err != nil || seen != len(lengths) {
		t.Errorf("%d maps of %d, %v", seen, len(lengths), err)
	}
}
