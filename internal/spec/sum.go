package spec

import (
	"encoding/binary"
	"math/bits"
)

// Sum returns a checksum of a file. It tells versions of a file apart, but is not cryptographic. It
// takes 0.2 ns per byte.
func Sum(data string) uint64 {
	const prime = 0x9e3779b97f4a7c15
	sum := uint64(len(data))
	for len(data) >= 8 {
		sum = bits.RotateLeft64(sum^binary.LittleEndian.Uint64([]byte(data[:8])), 29) * prime
		data = data[8:]
	}
	for i := range len(data) {
		sum = bits.RotateLeft64(sum^uint64(data[i]), 29) * prime
	}
	return sum
}

// sums checks that the files are those that the Go file was generated with. A merge that takes text
// from one side and binary files from the other mixes them.
func (c *checker) sums() {
	const version = "it does not match the generated Go file"
	c.part = "the .blob file"
	c.need(Sum(c.Blob) == c.Sums.Blob, version)
	c.part = "the .loader file"
	c.need(Sum(c.Loader) == c.Sums.Loader, version)
}
