package runtime

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// fit gives max_entries the value that this machine needs.
func (m *Map) fit() error {
	switch m.spec().Sizing {
	case SizeCPUs:
		if m.MaxEntries() != 0 {
			return nil
		}
		n, err := PossibleCPUs()
		if err != nil {
			return fmt.Errorf("map %s: %w", m.Name(), err)
		}
		m.own().maxEntries = uint32(n)
	case SizePages:
		if n := fitPages(m.MaxEntries()); n != m.MaxEntries() {
			m.own().maxEntries = n
		}
	}
	return nil
}

// fitPages rounds the size of a ring buffer up to a power of two times the
// page size, as libbpf's adjust_ringbuf_sz does: the kernel takes no other
// (ringbuf_map_alloc). 0 stays what it is, for the kernel to refuse, and so does a size that cannot be rounded.
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

// PossibleCPUs returns the number of CPUs that the machine may ever have
// online, which is how many values an entry of a per-CPU map has.
var PossibleCPUs = sync.OnceValues(func() (int, error) {
	const file = "/sys/devices/system/cpu/possible"
	list, err := readFile(file)
	if err != nil {
		return 0, fmt.Errorf("number of possible CPUs: %w", err)
	}
	n, err := lastCPU(strings.TrimSpace(string(list)))
	if err != nil {
		return 0, fmt.Errorf("number of possible CPUs: %s: %w", file, err)
	}
	return n + 1, nil
})

// lastCPU returns the highest number of a list such as "0-3,8".
func lastCPU(list string) (int, error) {
	begin := len(list)
	for begin > 0 && list[begin-1] != '-' && list[begin-1] != ',' {
		begin--
	}
	return strconv.Atoi(list[begin:])
}
