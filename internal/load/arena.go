package load

import (
	"errors"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// errArenaTooSmall is the error for a max_entries that is too small for the arena's global
// variables.
var errArenaTooSmall = errors.New("max_entries is too small for the arena's global variables")

// mapArena maps the memory of an arena that was just created, which fixes its address. Programs
// cannot be loaded before that (bpf_arena_get_user_vm_start is 0). The arena begins with the
// initial values of its global variables.
func (e *engine) mapArena(i int) error {
	m := &e.spec.Maps[i]
	globals := e.blob.mem[m.Data:][:m.DataSize]
	size := uintptr(e.maxEntries(int32(i))) * uintptr(unix.Getpagesize())
	if uintptr(len(globals)) > size {
		return errArenaTooSmall
	}
	flags := unix.MAP_SHARED
	if m.Extra != 0 {
		flags |= unix.MAP_FIXED_NOREPLACE
	}
	// If the map has no address, the kernel chooses one so that the arena does not cross a 4 GiB
	// boundary (arena_get_unmapped_area).
	var at unsafe.Pointer
	*(*uintptr)(unsafe.Pointer(&at)) = uintptr(m.Extra)
	p, err := unix.MmapPtr(e.MapFD(i), 0, at, size, unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return err
	}
	e.Arenas = append(e.Arenas, Area{P: p, Size: size, Map: int32(i)})
	if len(globals) == 0 {
		return nil
	}
	// A page that cannot be allocated is an error here, but a signal in copy. unix.Madvise would
	// add one more function to each binary.
	if err := unix.MadvisePtr(p, uintptr(len(globals)), unix.MADV_POPULATE_WRITE); err != nil {
		return err
	}
	copy(e.Arenas[len(e.Arenas)-1].Bytes(), globals)
	return nil
}
