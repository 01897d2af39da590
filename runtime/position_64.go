//go:build !386 && !arm && !mips && !mipsle

package runtime

import "sync/atomic"

// Positions in ring buffers are unsigned longs of the kernel (struct bpf_ringbuf). A 64-bit process
// has a 64-bit kernel.

// longSize is the size of the kernel's unsigned long in bytes.
func longSize() int { return 8 }

// firstNear is what a position that was never read is near to.
const firstNear = 0

// loadPosition reads a position that is not far from near, which 64 bits do not need.
func loadPosition(p *uint64, _ uint64) uint64 { return atomic.LoadUint64(p) }

// storePosition writes a position.
func storePosition(p *uint64, pos uint64) { atomic.StoreUint64(p, pos) }
