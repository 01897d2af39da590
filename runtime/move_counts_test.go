//vmtest:all

package runtime_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

type countV1 struct {
	Packets uint64
	Since   uint32 // not a counter
	Drops   uint32
}

type countV2 struct {
	countV1
	Bytes uint64
	Last  uint64
}

func countersOf(v *countV2) []any { return []any{&v.Packets, &v.Drops} }

type key6 [6]byte

func createMap[T runtime.AnyMap](t *testing.T, typ uint32, keySize, valueSize uintptr, typed func(*runtime.Map) T) T {
	t.Helper()
	m, err := runtime.CreateMap(&runtime.MapSpec{Name: "counts", Type: typ, KeySize: uint32(keySize), ValueSize: uint32(valueSize), MaxEntries: 64})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	result, err := runtime.TypedMap(m, typed)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// Counters are added up. Other fields are taken from the old value only if there was no new one.
func TestMoveCounts(t *testing.T) {
	for name, typ := range map[string]uint32{"hash": sys.MapTypeHash, "LRU hash": sys.MapTypeLRUHash} {
		t.Run(name, func(t *testing.T) {
			old := createMap(t, typ, 6, unsafe.Sizeof(countV1{}), runtime.NewHashMap[key6, countV1])
			now := createMap(t, typ, 6, unsafe.Sizeof(countV2{}), runtime.NewHashMap[key6, countV2])
			both, only, fresh := key6{1}, key6{2, 0, 0, 0, 0, 9}, key6{3}
			must(t, old.Update(both, countV1{5, 6, 7}, runtime.Any))
			must(t, old.Update(only, countV1{1 << 40, 16, 1<<32 - 1}, runtime.Any))
			must(t, now.Update(both, countV2{countV1{100, 200, 300}, 400, 500}, runtime.Any))
			must(t, now.Update(fresh, countV2{countV1{1, 2, 3}, 4, 5}, runtime.Any))
			for range 2 { // the second time, nothing is left to move
				must(t, runtime.MoveCounts(old, now, countersOf))
				for k, want := range map[key6]countV2{
					both: {countV1{105, 200, 307}, 400, 500}, only: {countV1{1 << 40, 16, 1<<32 - 1}, 0, 0}, fresh: {countV1{1, 2, 3}, 4, 5},
				} {
					if got, err := now.Lookup(k); got != want || err != nil {
						t.Errorf("%v: %+v, %v, want %+v", k, got, err, want)
					}
				}
				if got, err := old.Lookup(both); got != (countV1{0, 6, 0}) || err != nil {
					t.Errorf("the old one is %+v, %v", got, err)
				}
			}
		})
	}
	t.Run("array", func(t *testing.T) {
		old := createMap(t, sys.MapTypeArray, 4, unsafe.Sizeof(countV1{}), runtime.NewArrayMap[countV1])
		now := createMap(t, sys.MapTypeArray, 4, unsafe.Sizeof(countV2{}), runtime.NewArrayMap[countV2])
		must(t, old.Update(63, countV1{5, 6, 7}, runtime.Any))
		must(t, now.Update(63, countV2{countV1{1, 2, 3}, 4, 5}, runtime.Any))
		must(t, runtime.MoveCounts(old, now, countersOf))
		if got, err := now.Lookup(63); got != (countV2{countV1{6, 2, 10}, 4, 5}) || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// For a per-CPU map, the sum over all CPUs is right.
func TestMoveCountsPerCPU(t *testing.T) {
	if sys.KernelVersion().Before(sys.Version{5, 18}) {
		t.Skip("bpf_map_lookup_percpu_elem needs Linux 5.18")
	}
	cpus, err := runtime.PossibleCPUs()
	if err != nil {
		t.Fatal(err)
	}
	for name, typ := range map[string]uint32{"hash": sys.MapTypePerCPUHash, "LRU hash": sys.MapTypeLRUPerCPUHash} {
		old := createMap(t, typ, 4, unsafe.Sizeof(countV1{}), runtime.NewPerCPUHashMap[uint32, countV1])
		now := createMap(t, typ, 4, unsafe.Sizeof(countV2{}), runtime.NewPerCPUHashMap[uint32, countV2])
		var packets, drops uint64
		for k := range uint32(3) {
			olds, news := make([]countV1, cpus), make([]countV2, cpus)
			for i := range olds {
				olds[i] = countV1{rand.Uint64N(1 << 40), 0, rand.Uint32N(1 << 20)}
				news[i].Packets, news[i].Drops = rand.Uint64N(1<<40), rand.Uint32N(1<<20)
				packets, drops = packets+olds[i].Packets, drops+uint64(olds[i].Drops)
				if k > 0 {
					packets, drops = packets+news[i].Packets, drops+uint64(news[i].Drops)
				}
			}
			must(t, old.Update(k, olds, runtime.Any))
			if k > 0 {
				must(t, now.Update(k, news, runtime.Any))
			}
		}
		must(t, runtime.MoveCounts(old, now, countersOf))
		for k := range uint32(3) {
			values, err := now.Lookup(k)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				packets, drops = packets-v.Packets, drops-uint64(v.Drops)
			}
		}
		if packets != 0 || drops != 0 {
			t.Errorf("%s: %d packets and %d drops are missing", name, int64(packets), int64(drops))
		}
	}
}

// Keys of all sizes are found.
func TestMoveCountsKeys(t *testing.T) {
	for _, size := range []uint32{1, 2, 3, 5, 7, 8, 12, 31, 255, 256, 257} {
		var maps [2]*runtime.Map
		for i := range maps {
			m, err := runtime.CreateMap(&runtime.MapSpec{Name: "m", Type: sys.MapTypeHash, KeySize: size, ValueSize: 8, MaxEntries: 4})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			maps[i] = m
		}
		key := make([]byte, size)
		key[size-1] = 0xa5
		if errno := elem(sys.CmdMapUpdateElem, maps[0], key, []byte{1, 0, 0, 0, 0, 0, 0, 1}); errno != 0 {
			t.Fatal(errno)
		}
		err := runtime.MoveCounts(maps[0], maps[1], func(v *uint64) []any { return []any{v} })
		if size > 256 {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("keys of %d bytes: %v", size, err)
			}
			continue
		}
		must(t, err)
		value := make([]byte, 8)
		if errno := elem(sys.CmdMapLookupElem, maps[1], key, value); errno != 0 || value[0] != 1 || value[7] != 1 {
			t.Errorf("keys of %d bytes: %x, %v", size, value, errno)
		}
	}
}

// Maps that cannot be moved are an error, and nothing is moved.
func TestMoveCountsErrors(t *testing.T) {
	hash := func(valueSize uintptr) *runtime.Map {
		return createMap(t, sys.MapTypeHash, 4, valueSize, func(m *runtime.Map) *runtime.Map { return m })
	}
	queue := createMap(t, sys.MapTypeQueue, 0, 8, func(m *runtime.Map) *runtime.Map { return m })
	closed := hash(8)
	closed.Close()
	one := func(v *uint64) []any { return []any{v} }
	var elsewhere uint64
	for want, err := range map[string]error{
		"map counts: move counts to counts: type uint64 has 8 bytes, but values of map counts have 16": runtime.MoveCounts(hash(8), hash(16), one),
		"counter of type uint64: want *uint64":                                                         runtime.MoveCounts(hash(8), hash(8), func(v *uint64) []any { return []any{*v} }),
		"a counter does not point into the value":                                                      runtime.MoveCounts(hash(8), hash(8), func(v *uint64) []any { return []any{&elsewhere} }),
		"type of the existing map is queue, but the object has hash":                                   runtime.MoveCounts(queue, hash(8), one),
		"maps of type 22": runtime.MoveCounts(queue, queue, one),
		"closed":          runtime.MoveCounts(closed, hash(8), one),
		"the counter at offset 8 is past the end of the values of counts, which have 8 bytes": runtime.MoveCounts(hash(8), hash(16), func(v *[2]uint64) []any { return []any{&v[1]} }),
		"counter at offset 65536: the largest supported offset is 32767":                      runtime.MoveCounts(hash(1<<17), hash(1<<17), func(v *[1 << 14]uint64) []any { return []any{&v[1<<13]} }),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	small, err := runtime.CreateMap(&runtime.MapSpec{Name: "small", Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	full := hash(8)
	fill(t, full, 8)
	if err := runtime.MoveCounts(full, small, one); !errors.Is(err, runtime.ErrMapFull) {
		t.Errorf("a map that is too small: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
