package runtime

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Arena is a map of type arena (BPF_MAP_TYPE_ARENA, 6.9): memory that programs
// and user space share, sparse, up to max_entries pages. Programs' pointers into it are addresses in this
// process. What both access concurrently has to be atomic.
type Arena struct{ *Map }

// NewArena gives m its kind.
func NewArena(m *Map) Arena { return Arena{m} }

// Bytes returns the arena's memory, nil before the load and after the skeleton is
// closed. Touching a page that programs have not allocated allocates it, or, if the arena has the flag
// BPF_F_SEGV_ON_FAULT, kills the process.
func (a Arena) Bytes() []byte {
	if memory := a.arena(); memory != nil {
		return memory.bytes()
	}
	return nil
}

// errNotInArena is for addresses that are no pointers into the arena.
var errNotInArena = errors.New("address is not in the arena")

// ArenaPointer returns what a program's pointer into an arena points to.
func ArenaPointer[T any](a Arena, addr uint64) (*T, error) {
	var t T
	mem := a.Bytes()
	if mem == nil {
		return nil, a.wrap("dereference", errMapClosed)
	}
	// A program that has not cast its pointer stores the low half only.
	base := uint64(uintptr(unsafe.Pointer(&mem[0])))
	off := uint64(uint32(addr) - uint32(base))
	if (addr>>32 != 0 && addr-base != off) || off+uint64(unsafe.Sizeof(t)) > uint64(len(mem)) || addr == 0 {
		return nil, &MapError{a.Name(), "dereference", errNotInArena}
	}
	return (*T)(unsafe.Pointer(&mem[off])), nil
}

// mapArena maps the memory of an arena that was just created, which settles its address:
// programs cannot be loaded before (bpf_arena_get_user_vm_start is 0). The arena begins with the
// initial values of its global variables.
func (m *Map) mapArena(num int, globals []byte) error {
	size := uintptr(m.MaxEntries()) * uintptr(unix.Getpagesize())
	if uintptr(len(globals)) > size {
		return errArenaTooSmall
	}
	flags := unix.MAP_SHARED
	if m.spec().Extra != 0 {
		flags |= unix.MAP_FIXED_NOREPLACE
	}
	// Without an address of its own, the kernel chooses one that does not cross 4 GiB (arena_get_unmapped_area).
	var at unsafe.Pointer
	*(*uintptr)(unsafe.Pointer(&at)) = uintptr(m.spec().Extra)
	p, err := unix.MmapPtr(num, 0, at, size, unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return err
	}
	arena := &area{p: p, size: size}
	m.own().arena = arena
	if len(globals) == 0 {
		return nil
	}
	// A page that cannot be had is an error here, and a signal in copy. unix.Madvise would be one more function in each binary.
	if _, _, errno := unix.Syscall(unix.SYS_MADVISE, uintptr(p), uintptr(len(globals)), unix.MADV_POPULATE_WRITE); errno != 0 {
		return errno
	}
	copy(arena.bytes(), globals)
	return nil
}

// errArenaTooSmall is for SetMaxEntries, or a source, that gives an arena less than its global variables take.
var errArenaTooSmall = errors.New("max_entries leaves no room for the arena's global variables")

// unmapArena is for maps that mapArena may have been called for.
func (m *Map) unmapArena() {
	if memory := m.arena(); memory != nil {
		memory.unmap()
		m.own().arena = nil
	}
}

// arena is the map's memory, nil if it is no arena or not mapped.
func (m *Map) arena() *area {
	if a := m.spec().own; a != nil {
		return a.arena
	}
	return nil
}
