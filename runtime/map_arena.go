package runtime

import (
	"errors"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
)

// Arena is a map of type arena (BPF_MAP_TYPE_ARENA, 6.9): memory that programs and user space
// share, sparse, up to max_entries pages. Programs' pointers into it are addresses in this process.
// What both access concurrently has to be atomic.
type Arena struct{ ref }

// NewArena returns m as an Arena; see [NewHashMap].
func NewArena(m *Map) *Arena {
	m.spec()
	return (*Arena)(unsafe.Pointer(m))
}

// Bytes returns the arena's memory, nil before the load and after the skeleton is closed. Touching
// a page that programs have not allocated allocates it, or, if the arena has the flag
// BPF_F_SEGV_ON_FAULT, kills the process.
func (a *Arena) Bytes() []byte {
	if memory := (*Map)(unsafe.Pointer(a)).arena(); memory != nil {
		return memory.Bytes()
	}
	return nil
}

// errNotInArena is for addresses that are no pointers into the arena.
var errNotInArena = errors.New("address is not in the arena")

// ArenaPointer returns what a program's pointer into an arena points to.
func ArenaPointer[T any](a *Arena, addr uint64) (*T, error) {
	var t T
	mem := a.Bytes()
	if mem == nil {
		return nil, a.Untyped().wrap("dereference", errMapClosed)
	}
	// A program that has not cast its pointer stores the low half only.
	base := uint64(uintptr(unsafe.Pointer(&mem[0])))
	off := uint64(uint32(addr) - uint32(base))
	if (addr>>32 != 0 && addr-base != off) || off+uint64(unsafe.Sizeof(t)) > uint64(len(mem)) || addr == 0 {
		return nil, newMapError(a.Name(), "dereference", errNotInArena)
	}
	return (*T)(unsafe.Pointer(&mem[off])), nil
}

// unmapArena is for maps that may be arenas.
func (m *Map) unmapArena() {
	if memory := m.arena(); memory != nil {
		memory.Unmap()
		m.own().arena = nil
	}
}

// arena is the map's memory, nil if it is no arena or not mapped.
func (m *Map) arena() *load.Area {
	if a := m.access(); a != nil {
		return a.arena
	}
	return nil
}
