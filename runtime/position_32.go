//go:build 386 || arm || mips || mipsle

package runtime

import (
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Positions in ring buffers are unsigned longs of the kernel (struct bpf_ringbuf), and the kernel
// under a 32-bit process has 64 bits more often than not. They pass 4 GiB, so the upper half
// counts.

// longSize is the size of the kernel's unsigned long in bytes.
var longSize = sync.OnceValue(func() int {
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		switch machine := unix.ByteSliceToString(name.Machine[:]); {
		case strings.Contains(machine, "64"), machine == "armv8l", machine == "armv8b": // compat_elf's names
			return 8
		}
	}
	// setarch, and some container engines, have a 64-bit kernel hide behind a 32-bit machine's name
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

// firstNear is what a position that was never read is near to: one above 0, since it may be less.
const firstNear = 1 << 32

// loadPosition reads a position that is at most 2 GiB from near. It does so by halves:
// atomic.LoadUint64 may need memory that can be written, which the producer's is not. Positions
// only grow, so if the upper half stays, the lower one belongs to it.
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
