package loader

import (
	"encoding/binary"
	"math/bits"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// The kernel caches the candidates for the type names that it has looked up in vmlinux's BTF, one
// name for each of candidateSlots hash values (VMLINUX_CAND_CACHE_SIZE, hash_cands and
// populate_cand_cache in kernel/bpf/btf.c). Names with the same hash displace each other. Programs
// with such names are loaded one after another: with two threads the kernel would search the BTF
// for each of their records.

const candidateSlots = 31

// compete reports whether the CO-RE records that the kernel resolves for the programs displace each
// other's candidates.
func (g *generator) compete() bool {
	var slots [candidateSlots]string
	for _, p := range g.obj.Programs {
		for _, r := range p.CORERelos {
			if g.isShared(p, r) {
				continue
			}
			name := sys.EssentialName(g.rootType(r.Type))
			slot := &slots[candidateHash(name)%candidateSlots]
			if *slot != "" && *slot != name {
				return true
			}
			*slot = name
		}
	}
	return false
}

// isShared reports whether the loader resolves a record.
func (g *generator) isShared(p *object.Program, r object.CORERelo) bool {
	if g.shared == nil {
		return false
	}
	_, ok := shareable(p, r)
	return ok
}

// candidateHash returns the kernel's jhash of a name (Bob Jenkins' lookup3) on little endian
// machines. For big endian ones it is only a guess.
func candidateHash(name string) uint32 {
	word := binary.LittleEndian.Uint32
	state := 0xdeadbeef + uint32(len(name))
	a, b, c := state, state, state
	key := []byte(name)
	for ; len(key) > 12; key = key[12:] {
		a, b, c = a+word(key), b+word(key[4:]), c+word(key[8:])
		for _, turn := range [2][3]int{{4, 6, 8}, {16, 19, 4}} {
			a = (a - c) ^ bits.RotateLeft32(c, turn[0])
			c += b
			b = (b - a) ^ bits.RotateLeft32(a, turn[1])
			a += c
			c = (c - b) ^ bits.RotateLeft32(b, turn[2])
			b += a
		}
	}
	if len(key) == 0 {
		return c
	}
	var rest [12]byte
	copy(rest[:], key)
	a, b, c = a+word(rest[:]), b+word(rest[4:]), c+word(rest[8:])
	c = (c ^ b) - bits.RotateLeft32(b, 14)
	a = (a ^ c) - bits.RotateLeft32(c, 11)
	b = (b ^ a) - bits.RotateLeft32(a, 25)
	c = (c ^ b) - bits.RotateLeft32(b, 16)
	a = (a ^ c) - bits.RotateLeft32(c, 4)
	b = (b ^ a) - bits.RotateLeft32(a, 14)
	return (c ^ b) - bits.RotateLeft32(b, 24)
}
