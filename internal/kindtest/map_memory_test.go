//vmtest:all

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
	if ids := slices.Collect(s.Maps.Stacks.IDs()); !slices.Equal(ids, []uint32{id}) {
		t.Errorf("IDs %v, want %d", ids, id)
	}
	if err := s.Maps.Stacks.Delete(id); err != nil {
		t.Error(err)
	}
	if _, err := s.Maps.Stacks.Lookup(id); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("what was deleted: %v", err)
	}
}

func TestMapArena(t *testing.T) {
	s := opened(t, arena.Open)
	err := s.Load()
	since(t, err, "6.9", "arenas")
	withoutCX16(t, err)
	withoutJIT(t, err)
	if err != nil {
		t.Fatalf("%+v", err)
	}
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
		t.Error("a pointer to something else")
	}
}
