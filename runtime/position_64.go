//go:build !386 && !arm && !mips && !mipsle

package runtime

import "sync/atomic"

// Positions in ring buffers are of the kernel's type unsigned long (struct bpf_ringbuf). A 64-bit
// process runs on a 64-bit kernel.

// longSize is the size of the kernel's unsigned long in bytes.
func longSize() int { return 8 }

// firstNear is near for the first read of a position.
const firstNear = 0

// loadPosition reads a position. It ignores near, which only 32-bit processes need.
func loadPosition(p *uint64, _ uint64) uint64 { return atomic.LoadUint64(p) }

// storePosition writes a position.
func storePosition(p *uint64, pos uint64) { atomic.StoreUint64(p, pos) }
