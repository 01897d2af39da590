package load

import (
	"fmt"
	"math/bits"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// fit collects the maps whose size differs from the object's: those in the request, and those whose
// size depends on this machine.
func (e *engine) fit() error {
	e.Entries = e.req.Entries
	for i := range e.spec.Maps {
		m := &e.spec.Maps[i]
		if m.Sizing == spec.SizeFixed {
			continue
		}
		n := e.maxEntries(int32(i))
		fitted, err := FitEntries(m.Sizing, n)
		if err != nil {
			return fmt.Errorf("map %s: %w", m.Name, err)
		}
		if fitted != n {
			// The request's list stays unchanged for the next attempt. If there are two entries for
			// a map, the last one counts.
			e.Entries = append(e.Entries[:len(e.Entries):len(e.Entries)], Entries{int32(i), fitted})
		}
	}
	return nil
}

// FitEntries returns the number of entries that a map has on this machine.
func FitEntries(sizing spec.Sizing, n uint32) (uint32, error) {
	switch {
	case sizing == spec.SizeCPUs && n == 0:
		cpus, err := sys.PossibleCPUs()
		return uint32(cpus), err
	case sizing == spec.SizePages:
		return fitPages(n), nil
	}
	return n, nil
}

// maxEntries returns the max_entries with which a map is created.
func (e *engine) maxEntries(m int32) uint32 {
	for i := len(e.Entries) - 1; i >= 0; i-- {
		if e.Entries[i].Map == m {
			return e.Entries[i].MaxEntries
		}
	}
	return e.spec.Maps[m].MaxEntries
}

// fitPages rounds the size of a ring buffer up to a power of two times the page size, as libbpf's
// adjust_ringbuf_sz does: the kernel accepts no other sizes (ringbuf_map_alloc). 0 and sizes that
// cannot be rounded stay unchanged, and the kernel refuses them.
func fitPages(size uint32) uint32 {
	page := uint32(unix.Getpagesize())
	if size == 0 {
		return 0
	}
	pages := (uint64(size) + uint64(page) - 1) / uint64(page)
	if pages&(pages-1) != 0 {
		pages = 1 << bits.Len64(pages)
	}
	if fitted := pages * uint64(page); fitted <= 1<<31 {
		return uint32(fitted)
	}
	return size
}
