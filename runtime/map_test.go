//vmtest:all

package runtime

import (
	"errors"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// newTestMap creates a map without a loader.
func newTestMap(t testing.TB, attr sys.MapCreateAttr) *Map {
	t.Helper()
	m, err := createTestMap(attr)
	if errors.Is(err, unix.EPERM) {
		t.Skip("needs CAP_BPF")
	}
	if err != nil {
		t.Fatalf("create map: %v", err)
	}
	t.Cleanup(m.fd.close)
	return m
}

func createTestMap(attr sys.MapCreateAttr) (*Map, error) {
	copy(attr.MapName[:15], "test")
	num, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if errno != 0 {
		return nil, errno
	}
	m := newMap(&MapSpec{
		Name: "test", Type: attr.MapType, KeySize: attr.KeySize, ValueSize: attr.ValueSize,
		MaxEntries: attr.MaxEntries, Flags: attr.MapFlags, Extra: attr.MapExtra,
	})
	m.fd.set(num)
	return m, nil
}

func newTestHash[K, V any](t testing.TB, entries uint32) *HashMap[K, V] {
	var k K
	var v V
	return NewHashMap[K, V](newTestMap(t, sys.MapCreateAttr{
		MapType: sys.MapTypeHash, KeySize: uint32(unsafe.Sizeof(k)), ValueSize: uint32(unsafe.Sizeof(v)), MaxEntries: entries,
	}))
}

type counter struct {
	Packets uint64
	Bytes   uint64
}

func TestMapsFailAfterClose(t *testing.T) {
	h := newTestHash[uint32, counter](t, 8)
	h.of.fd.close()
	_, err := h.Lookup(1)
	if !errors.Is(err, os.ErrClosed) {
		t.Errorf("lookup: %v", err)
	}
	if got, want := err.Error(), "map test: lookup: closed or not loaded"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	it := h.Iterate()
	for range it.All() {
		t.Error("got an entry after Close")
	}
	if !errors.Is(it.Err(), os.ErrClosed) {
		t.Errorf("iterate: %v", it.Err())
	}
	if err := h.Freeze(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("freeze: %v", err)
	}
}

func TestMapFreeze(t *testing.T) {
	h := newTestHash[uint32, counter](t, 8)
	if frozen, err := h.Frozen(); err != nil || frozen {
		t.Errorf("frozen at first: %v, %v", frozen, err)
	}
	if err := h.Freeze(); err != nil {
		t.Fatal(err)
	}
	if frozen, err := h.Frozen(); err != nil || !frozen {
		t.Errorf("frozen after Freeze: %v, %v", frozen, err)
	}
	err := h.Update(1, counter{}, Any)
	if !errors.Is(err, ErrMapFrozen) || !errors.Is(err, unix.EPERM) {
		t.Errorf("update of a frozen map: %v", err)
	}
	if _, err := h.UpdateBatch([]uint32{1}, []counter{{}}, Any); !errors.Is(err, ErrMapFrozen) {
		t.Errorf("batch update of a frozen map: %v", err)
	}
}

func TestConstructorChecksSizes(t *testing.T) {
	h := newTestHash[uint32, counter](t, 8)
	defer func() {
		want := "map test: value type uint64 has 8 bytes, the map's value has 16"
		if got := recover(); got != want {
			t.Errorf("panic %v, want %v", got, want)
		}
	}()
	NewHashMap[uint32, uint64](h.Untyped())
}
