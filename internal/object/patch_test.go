package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// patched is a compiled little-endian object in which a test breaks something.
type patched struct {
	t    *testing.T
	data []byte
}

func patch(t *testing.T, name string) *patched {
	return &patched{t, slices.Clone(testobj.Read(t, name, testobj.Options{Target: "bpfel"}))}
}

// headerOf returns the offset of a section's header, of type elf.Section64.
func (p *patched) headerOf(section string) int {
	f, err := readELF(p.data)
	if err != nil {
		p.t.Fatal(err)
	}
	s := f.sectionByName(section)
	if s == nil {
		p.t.Fatalf("no section %s", section)
	}
	return int(binary.LittleEndian.Uint64(p.data[0x28:])) + s.index*64
}

// Fields of elf.Section64 that tests change.
const (
	shType   = 4
	shOffset = 24
	shSize   = 32
	shInfo   = 44
)

func (p *patched) setHeader32(section string, field int, v uint32) {
	binary.LittleEndian.PutUint32(p.data[p.headerOf(section)+field:], v)
}

func (p *patched) setHeader64(section string, field int, v uint64) {
	binary.LittleEndian.PutUint64(p.data[p.headerOf(section)+field:], v)
}

// contents returns a section's part of the file, to be changed in place.
func (p *patched) contents(section string) []byte {
	hdr := p.data[p.headerOf(section):]
	off := binary.LittleEndian.Uint64(hdr[shOffset:])
	return p.data[off : off+binary.LittleEndian.Uint64(hdr[shSize:])]
}

// rename replaces each occurrence of a zero-terminated string in a section with one of the same
// length.
func (p *patched) rename(section, from, to string) {
	p.t.Helper()
	b := p.contents(section)
	from, to = "\x00"+from+"\x00", "\x00"+to+"\x00"
	if len(from) != len(to) || !bytes.Contains(b, []byte(from)) {
		p.t.Fatalf("section %s: cannot rename %q to %q", section, from, to)
	}
	copy(b, bytes.ReplaceAll(b, []byte(from), []byte(to)))
}

// symbol calls f with the record of a symbol, of type elf.Sym64.
func (p *patched) symbol(name string, f func(sym []byte)) {
	p.t.Helper()
	file, err := readELF(p.data)
	if err != nil {
		p.t.Fatal(err)
	}
	i := slices.IndexFunc(file.symbols, func(s symbol) bool { return s.name == name })
	if i < 0 {
		p.t.Fatalf("no symbol %s", name)
	}
	f(p.contents(".symtab")[i*elf.Sym64Size:][:elf.Sym64Size])
}
