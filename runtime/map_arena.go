package runtime

import (
	"errors"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
)

// Arena is a map of type arena (BPF_MAP_TYPE_ARENA, 6.9): sparse memory of up to max_entries pages
// that programs and user space share. Pointers that programs store in it are addresses in this
// process. Concurrent accesses by programs and user space must be atomic.
type Arena struct{ ref }

// NewArena returns m as an Arena; see [NewHashMap].
func NewArena(m *Map) *Arena {
	m.spec()
	return (*Arena)(unsafe.Pointer(m))
}

// Bytes returns the arena's memory, or nil before the load and after the skeleton is closed.
// Touching a page that programs have not allocated allocates it or, if the arena has the flag
// BPF_F_SEGV_ON_FAULT, kills the process.
func (a *Arena) Bytes() []byte {
	if memory := (*Map)(unsafe.Pointer(a)).arena(); memory != nil {
		return memory.Bytes()
	}
	return nil
}

// errNotInArena reports an address that does not point into the arena.
var errNotInArena = errors.New("address is not in the arena")

// ArenaPointer converts a program's pointer into an arena to a Go pointer.
func ArenaPointer[T any](a *Arena, addr uint64) (*T, error) {
	var t T
	mem := a.Bytes()
	if mem == nil {
		return nil, a.Untyped().wrap("dereference", errMapClosed)
	}
	// Programs that have not cast the pointer store only its low half.
	base := uint64(uintptr(unsafe.Pointer(&mem[0])))
	off := uint64(uint32(addr) - uint32(base))
	if (addr>>32 != 0 && addr-base != off) || off+uint64(unsafe.Sizeof(t)) > uint64(len(mem)) || addr == 0 {
		return nil, newMapError(a.Name(), "dereference", errNotInArena)
	}
	return (*T)(unsafe.Pointer(&mem[off])), nil
}

// unmapArena unmaps the memory of m if it is an arena.
func (m *Map) unmapArena() {
	if memory := m.arena(); memory != nil {
		memory.Unmap()
		m.own().arena = nil
	}
}

// arena returns the map's memory, or nil if it is not an arena or not mapped.
func (m *Map) arena() *load.Area {
	if a := m.access(); a != nil {
		return a.arena
	}
	return nil
}
