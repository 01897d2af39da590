package robust

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// mutate returns a changed copy of an object file.
func mutate(r *rand.Rand, file []byte) []byte {
	out := bytes.Clone(file)
	for range 1 + r.IntN(3) {
		if len(out) < 2 {
			return out
		}
		mutations[r.IntN(len(mutations))](r, &out)
	}
	return out
}

var mutations = []func(r *rand.Rand, file *[]byte){
	flipBit, flipBit, setWord, setWord, copyBytes, truncate, swapSections, changeSection, changeSectionContents, changeSectionContents,
}

// offset returns a random position in a file.
func offset(r *rand.Rand, file []byte) int { return r.IntN(len(file)) }

func flipBit(r *rand.Rand, file *[]byte) { (*file)[offset(r, *file)] ^= 1 << r.IntN(8) }

// interesting are numbers that readers often get wrong.
var interesting = []uint64{
	0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 1 << 20, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff,
	1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1,
}

// setWord overwrites 1, 2, 4 or 8 aligned bytes.
func setWord(r *rand.Rand, file *[]byte) {
	size := 1 << r.IntN(4)
	at := offset(r, *file) &^ (size - 1)
	if at+size > len(*file) {
		return
	}
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], interesting[r.IntN(len(interesting))])
	copy((*file)[at:at+size], b[:])
}

func copyBytes(r *rand.Rand, file *[]byte) {
	from, to := offset(r, *file), offset(r, *file)
	copy((*file)[to:], bytes.Clone((*file)[from:min(from+r.IntN(64), len(*file))]))
}

func truncate(r *rand.Rand, file *[]byte) { *file = (*file)[:offset(r, *file)] }

// Offsets and sizes in ELF64 headers.
const (
	elfShoff, elfShnum = 0x28, 0x3c
	shSize             = 64
	shOffset, shLength = 0x18, 0x20
)

// sections returns the table of sections, or nil if there is no valid one. All test objects are
// little endian where their tests are.
func sections(file []byte) (table []byte, count int) {
	if len(file) < 64 {
		return nil, 0
	}
	at := binary.NativeEndian.Uint64(file[elfShoff:])
	count = int(binary.NativeEndian.Uint16(file[elfShnum:]))
	if at > uint64(len(file)) || uint64(count*shSize) > uint64(len(file))-at || count == 0 {
		return nil, 0
	}
	return file[at:][:count*shSize], count
}

// swapSections swaps the headers of two sections.
func swapSections(r *rand.Rand, file *[]byte) {
	table, n := sections(*file)
	if table == nil {
		return
	}
	a, b := table[shSize*r.IntN(n):][:shSize], table[shSize*r.IntN(n):][:shSize]
	tmp := bytes.Clone(a)
	copy(a, b)
	copy(b, tmp)
}

// changeSection overwrites a field of a section's header.
func changeSection(r *rand.Rand, file *[]byte) {
	table, n := sections(*file)
	if table == nil {
		return
	}
	header := table[shSize*r.IntN(n):][:shSize]
	setWord(r, &header)
}

// changeSectionContents changes a word of a section. Sections are chosen regardless of size: large
// ones would get all the changes otherwise.
func changeSectionContents(r *rand.Rand, file *[]byte) {
	table, n := sections(*file)
	if table == nil {
		return
	}
	header := table[shSize*r.IntN(n):][:shSize]
	at, size := binary.NativeEndian.Uint64(header[shOffset:]), binary.NativeEndian.Uint64(header[shLength:])
	if size == 0 || at > uint64(len(*file)) || size > uint64(len(*file))-at {
		return
	}
	contents := (*file)[at:][:size]
	if r.IntN(2) == 0 {
		setWord(r, &contents)
	} else {
		flipBit(r, &contents)
	}
}
