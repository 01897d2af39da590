//vmtest:all,5.10

package kindtest

import (
	"errors"
	"maps"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/tables"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Go stores a value under key 1, and the programs derive one under key 2.
var (
	single  = tables.Counter{Packets: 3, Bytes: 1500}
	doubled = tables.Counter{Packets: 6, Bytes: 3000}
)

func TestMapHash(t *testing.T) {
	s := loaded(t, tables.Open)
	testHash(t, s.Maps.Hash, s.Progs.DoubleHash)
}

func TestMapLRUHash(t *testing.T) {
	s := loaded(t, tables.Open)
	testHash(t, s.Maps.Lru, s.Progs.DoubleLru)

	// It has room for all entries, if only for a while.
	for k := range uint64(100) {
		if err := s.Maps.Lru.Update(k, single, runtime.Any); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := s.Maps.Lru.Lookup(99); err != nil || v != single {
		t.Errorf("the latest: %v, %v", v, err)
	}
}

func testHash(t *testing.T, m *runtime.HashMap[uint64, tables.Counter], double runtime.SchedCLSProgram) {
	t.Helper()
	if err := m.Update(1, single, runtime.NoExist); err != nil {
		t.Fatal(err)
	}
	if ret := run(t, double, 0); ret != 0 {
		t.Fatalf("the program returns %d", ret)
	}
	want := map[uint64]tables.Counter{1: single, 2: doubled}
	if got := maps.Collect(m.Iterate().All()); !maps.Equal(got, want) {
		t.Errorf("entries %v, want %v", got, want)
	}
	if isBefore("5.14") { // only queues and stacks support it
		if err := m.Delete(2); err != nil {
			t.Error(err)
		}
	} else if v, err := m.LookupAndDelete(2); err != nil || v != doubled {
		t.Errorf("lookup and delete: %v, %v", v, err)
	}
	if _, err := m.Lookup(2); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("what was deleted: %v", err)
	}
	if err := m.Update(1, doubled, runtime.NoExist); !errors.Is(err, runtime.ErrKeyExist) {
		t.Errorf("update of an existing key: %v", err)
	}
}

func TestMapArray(t *testing.T) {
	s := loaded(t, tables.Open)
	if err := s.Maps.Array.Update(1, single, runtime.Any); err != nil {
		t.Fatal(err)
	}
	if ret := run(t, s.Progs.DoubleArray, 0); ret != 0 {
		t.Fatalf("the program returns %d", ret)
	}
	if v, err := s.Maps.Array.Lookup(2); err != nil || v != doubled {
		t.Errorf("lookup: %v, %v", v, err)
	}
	n := 0
	for i, v := range s.Maps.Array.Iterate().All() {
		if i != 1 && i != 2 && v != (tables.Counter{}) {
			t.Errorf("element %d is %v", i, v)
		}
		n++
	}
	if n != 16 || s.Maps.Array.MaxEntries() != 16 {
		t.Errorf("%d elements, %d", n, s.Maps.Array.MaxEntries())
	}
	if _, err := s.Maps.Array.Lookup(16); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("past the end: %v", err)
	}
}

func TestMapLPMTrie(t *testing.T) {
	s := loaded(t, tables.Open)
	routes := s.Maps.Routes
	if err := routes.Update(tables.Prefix{Bits: 8, Address: [4]uint8{10}}, single, runtime.Any); err != nil {
		t.Fatal(err)
	}
	if ret := run(t, s.Progs.DoubleRoutes, 0); ret != 0 {
		t.Fatalf("the program returns %d", ret)
	}
	for address, want := range map[[4]uint8]tables.Counter{{10, 1, 2, 99}: doubled, {10, 1, 3, 99}: single} {
		if v, err := routes.Lookup(tables.Prefix{Bits: 32, Address: address}); err != nil || v != want {
			t.Errorf("route to %v: %v, %v, want %v", address, v, err, want)
		}
	}
	if _, err := routes.Lookup(tables.Prefix{Bits: 32, Address: [4]uint8{11}}); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("route to what has none: %v", err)
	}
	if got := maps.Collect(routes.Iterate().All()); len(got) != 2 || got[tables.Prefix{Bits: 24, Address: [4]uint8{10, 1, 2}}] != doubled {
		t.Errorf("all: %v", got)
	}
	if err := routes.Delete(tables.Prefix{Bits: 8, Address: [4]uint8{10}}); err != nil {
		t.Error(err)
	}
}

func TestMapPerCPUHash(t *testing.T) {
	s := loaded(t, tables.Open)
	testPerCPU(t, s.Maps.PercpuHash, 1, s.Progs.DoublePercpuHash)
	if isBefore("5.14") {
		if err := s.Maps.PercpuHash.Delete(2); err != nil {
			t.Error(err)
		}
	} else if v, err := s.Maps.PercpuHash.LookupAndDelete(2); err != nil || len(v) != s.Maps.PercpuHash.CPUs() {
		t.Errorf("lookup and delete: %v, %v", v, err)
	}
	if err := s.Maps.PercpuHash.Delete(2); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("what was deleted: %v", err)
	}
}

func TestMapPerCPULRUHash(t *testing.T) {
	s := loaded(t, tables.Open)
	testPerCPU(t, s.Maps.PercpuLru, 1, s.Progs.DoublePercpuLru)
}

func TestMapPerCPUArray(t *testing.T) {
	s := loaded(t, tables.Open)
	testPerCPU(t, s.Maps.PercpuArray, 1, s.Progs.DoublePercpuArray)
}

// perCPU is a map with a value for each CPU.
type perCPU[K ~uint32 | ~uint64] interface {
	CPUs() int
	Update(K, []tables.Counter, runtime.UpdateFlags) error
	Lookup(K) ([]tables.Counter, error)
}

func testPerCPU[K ~uint32 | ~uint64](t *testing.T, m perCPU[K], one K, double runtime.SchedCLSProgram) {
	t.Helper()
	values := make([]tables.Counter, m.CPUs())
	for i := range values {
		values[i] = tables.Counter{Packets: uint64(i + 1), Bytes: single.Bytes}
	}
	if err := m.Update(one, values, runtime.Any); err != nil {
		t.Fatal(err)
	}
	if ret := run(t, double, 0); ret != 0 {
		t.Fatalf("the program returns %d", ret)
	}
	got, err := m.Lookup(2 * one)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0 // number of CPUs
	for cpu, v := range got {
		switch v {
		case tables.Counter{}:
		case tables.Counter{Packets: 2 * uint64(cpu+1), Bytes: doubled.Bytes}:
			ran++
		default:
			t.Errorf("CPU %d has %v", cpu, v)
		}
	}
	if ran != 1 {
		t.Errorf("%d CPUs have a value: %v", ran, got)
	}
}
