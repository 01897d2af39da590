//vmtest:all,5.10

package kindtest

import (
	"errors"
	"slices"
	"testing"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/arena"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/stacks"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

func TestMapStackTrace(t *testing.T) {
	s := loaded(t, stacks.Open)
	res, err := s.Progs.Take.Test(runtime.RawTracepointArgs{})
	if err != nil {
		t.Fatal(err)
	}
	id := res.Return
	addresses, err := s.Maps.Stacks.Lookup(id)
	if err != nil || len(addresses) == 0 || slices.Contains(addresses, 0) {
		t.Errorf("stack %d: %x, %v", int32(id), addresses, err)
	}
	if ids, err := s.Maps.Stacks.IDs(); err != nil || !slices.Equal(ids, []uint32{id}) {
		t.Errorf("IDs %v, %v, want %d", ids, err, id)
	}
	if err := s.Maps.Stacks.Delete(id); err != nil {
		t.Error(err)
	}
	if _, err := s.Maps.Stacks.Lookup(id); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("deleted stack: %v", err)
	}
}

// loadArena loads an opened skeleton, or skips the test.
func loadArena(t *testing.T, s *arena.Skeleton) {
	t.Helper()
	err := s.Load()
	since(t, err, "6.9", "arenas")
	withoutCX16(t, err)
	withoutJIT(t, err)
	if err != nil {
		t.Fatalf("%+v", err)
	}
}

func TestMapArena(t *testing.T) {
	s := opened(t, arena.Open)
	loadArena(t, s)
	memory := s.Maps.Arena.Bytes()
	pair, err := runtime.ArenaPointer[arena.Pair](s.Maps.Arena, uint64(uintptr(unsafe.Pointer(&memory[4096]))))
	if err != nil {
		t.Fatal(err)
	}
	pair.In = 14
	order := arena.Order{Address: uint64(uintptr(unsafe.Pointer(pair)))}
	if _, err := runtime.RunSyscall(s.Progs.Triple, &order); err != nil {
		t.Fatal(err)
	}
	if pair.Out != 42 {
		t.Errorf("out is %d", pair.Out)
	}
	if _, err := runtime.ArenaPointer[arena.Pair](s.Maps.Arena, order.Address+1<<32); err == nil {
		t.Error("got a pointer for an address outside of the arena")
	}
}

// An arena's global variables have their initial values before the load, and are shared with the
// program after it.
func TestArenaGlobals(t *testing.T) {
	s := opened(t, arena.Open)
	if s.Arena.Shared.In != 5 || s.Arena.Runs != 0 {
		t.Errorf("initial values are %+v", s.Arena)
	}
	s.Arena.Runs = 10
	loadArena(t, s)
	for i, in := range []uint64{5, 14} {
		s.Arena.Shared.In = in
		runs, err := s.Progs.TripleShared.Run()
		if err != nil {
			t.Fatal(err)
		}
		if want := 11 + uint64(i); uint64(runs) != want || s.Arena.Runs != want || s.Arena.Shared.Out != 3*in {
			t.Errorf("run %d returned %d, and left %+v", i, runs, s.Arena)
		}
	}
	if p := unsafe.Pointer(s.Arena); p != unsafe.Pointer(&s.Maps.Arena.Bytes()[0]) {
		t.Errorf("the variables are at %p, want the start of the arena", p)
	}
	if err := s.Close(); err != nil || s.Arena != nil {
		t.Errorf("after Close: %v, %v", err, s.Arena)
	}
}
