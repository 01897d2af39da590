//go:build 386 || arm || mips || mipsle

package runtime

import (
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Positions in ring buffers are of the kernel's type unsigned long (struct bpf_ringbuf), which
// mostly has 64 bits even under a 32-bit process. Positions exceed 4 GiB, so the upper half
// matters.

// longSize is the size of the kernel's unsigned long in bytes.
var longSize = sync.OnceValue(func() int {
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		switch machine := unix.ByteSliceToString(name.Machine[:]); {
		case strings.Contains(machine, "64"), machine == "armv8l", machine == "armv8b": // compat_elf's names
			return 8
		}
	}
	// setarch and some container engines make a 64-bit kernel report a 32-bit machine name
	// (override_architecture).
	const perLinux32 = 8
	if persona, err := unix.Personality(0xffffffff); err == nil && persona&0xff == perLinux32 {
		return 8
	}
	return 4
})

// halves returns a position's lower and upper 32 bits.
func halves(p *uint64) (low, high *uint32) {
	h := (*[2]uint32)(unsafe.Pointer(p))
	one := uint16(1)
	if *(*uint8)(unsafe.Pointer(&one)) == 1 {
		return &h[0], &h[1]
	}
	return &h[1], &h[0]
}

// firstNear is near for the first read of a position. It is above 0, because the position may be
// less.
const firstNear = 1 << 32

// loadPosition reads a position that is at most 2 GiB from near. It reads the halves separately:
// atomic.LoadUint64 may need writable memory, which the producer's is not. Positions only grow, so
// if the upper half has not changed, the lower half belongs to it.
func loadPosition(p *uint64, near uint64) uint64 {
	if longSize() == 4 {
		return near + uint64(int64(int32(atomic.LoadUint32((*uint32)(unsafe.Pointer(p)))-uint32(near))))
	}
	low, high := halves(p)
	for {
		h := atomic.LoadUint32(high)
		l := atomic.LoadUint32(low)
		if atomic.LoadUint32(high) == h {
			return uint64(h)<<32 | uint64(l)
		}
	}
}

// storePosition writes a position.
func storePosition(p *uint64, pos uint64) {
	if longSize() == 4 {
		atomic.StoreUint32((*uint32)(unsafe.Pointer(p)), uint32(pos))
		return
	}
	atomic.StoreUint64(p, pos)
}
