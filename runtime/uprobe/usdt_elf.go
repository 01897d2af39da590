package uprobe

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// elfFile reads what USDT probes need from a 64-bit file. The file may be untrusted, for example in
// a container, and [debug/elf] is not made for such files: a small one can make it use all memory.
// Only its types and names are used here.
type elfFile struct {
	r        io.ReaderAt
	order    binary.ByteOrder
	machine  elf.Machine
	typ      elf.Type
	segments []elf.Prog64
	sections []elf.Section64
	names    []byte        // names of sections
	symbols  []symbolTable // read when a variable is first looked up
}

// symbolTable has symbols as they are in the file, and their names.
type symbolTable struct{ raw, names []byte }

// Limits, above which files are rejected. Files of real programs have tens of segments, hundreds of
// sections, and a few MiB of names.
const (
	segmentsMost = 1 << 10
	sectionsMost = 1 << 16
	namesMost    = 1 << 20
	tableMost    = 256 << 20 // size of the symbols, or of their names
)

var errELF = errors.New("not an ELF file, or corrupt")

// newELF reads the headers of a file whose probes can fire on this kernel.
func newELF(r io.ReaderAt) (*elfFile, error) {
	raw, err := readAt(r, 0, 64)
	if err != nil || !bytes.HasPrefix(raw, []byte(elf.ELFMAG)) {
		return nil, errELF
	}
	f := &elfFile{r: r, order: binary.LittleEndian}
	if elf.Data(raw[elf.EI_DATA]) == elf.ELFDATA2MSB {
		f.order = binary.BigEndian
	}
	if elf.Class(raw[elf.EI_CLASS]) != elf.ELFCLASS64 {
		return nil, fmt.Errorf("USDT probes of 32-bit files are not supported: %w", errors.ErrUnsupported)
	}
	var h elf.Header64
	_, _ = binary.Decode(raw, f.order, &h)
	f.machine, f.typ = elf.Machine(h.Machine), elf.Type(h.Type)
	switch {
	case f.machine != elf.EM_X86_64 && f.machine != elf.EM_AARCH64 && f.machine != elf.EM_S390:
		return nil, fmt.Errorf("USDT probes of %v are not supported: %w", f.machine, errors.ErrUnsupported)
	case f.typ != elf.ET_EXEC && f.typ != elf.ET_DYN:
		return nil, fmt.Errorf("ELF type is %v, want an executable or shared library: %w", f.typ, unix.EINVAL)
	}
	if f.segments, err = readTable[elf.Prog64](f, h.Phoff, uint64(h.Phentsize), uint64(h.Phnum), segmentsMost); err != nil {
		return nil, fmt.Errorf("segments: %w", err)
	}
	f.segments = slices.DeleteFunc(f.segments, func(s elf.Prog64) bool { return elf.ProgType(s.Type) != elf.PT_LOAD })
	return f, f.readSections(&h)
}

func (f *elfFile) readSections(h *elf.Header64) (err error) {
	if h.Shoff == 0 {
		return nil
	}
	count, names := uint64(h.Shnum), uint32(h.Shstrndx)
	if count == 0 || names == uint32(elf.SHN_XINDEX) { // the first section has values that do not fit
		first, err := readTable[elf.Section64](f, h.Shoff, uint64(h.Shentsize), 1, 1)
		if err != nil {
			return fmt.Errorf("sections: %w", err)
		}
		if count == 0 {
			count = first[0].Size
		}
		if names == uint32(elf.SHN_XINDEX) {
			names = first[0].Link
		}
	}
	if f.sections, err = readTable[elf.Section64](f, h.Shoff, uint64(h.Shentsize), count, sectionsMost); err != nil {
		return fmt.Errorf("sections: %w", err)
	}
	if names >= uint32(len(f.sections)) {
		return nil // sections have no names
	}
	if f.names, err = f.data(&f.sections[names], namesMost); err != nil {
		return fmt.Errorf("section names: %w", err)
	}
	return nil
}

// readTable reads a table of structs. It returns nil for an empty one.
func readTable[T elf.Prog64 | elf.Section64 | elf.Sym64](f *elfFile, at, entry, count, most uint64) ([]T, error) {
	if count == 0 {
		return nil, nil
	}
	if size := uint64(binary.Size(*new(T))); entry != size || count > most {
		return nil, fmt.Errorf("%d entries of %d bytes: want entries of %d bytes, and at most %d: %w", count, entry, size, most, errELF)
	}
	raw, err := readAt(f.r, at, count*entry)
	if err != nil {
		return nil, err
	}
	table := make([]T, count)
	_, err = binary.Decode(raw, f.order, table)
	return table, err
}

// readAt reads a part of the file. It allocates memory only for what exists.
func readAt(r io.ReaderAt, at, size uint64) ([]byte, error) {
	if at > 1<<62 || size > 1<<62 {
		return nil, errELF
	}
	raw, err := io.ReadAll(io.NewSectionReader(r, int64(at), int64(size)))
	if err == nil && uint64(len(raw)) < size {
		err = fmt.Errorf("unexpected end of file: %w", errELF)
	}
	return raw, err
}

// section returns the section with the given name, or nil if there is none.
func (f *elfFile) section(name string) *elf.Section64 {
	for i := range f.sections {
		if s := &f.sections[i]; uint64(s.Name) < uint64(len(f.names)) && bytes.HasPrefix(f.names[s.Name:], []byte(name+"\x00")) {
			return s
		}
	}
	return nil
}

// data reads a section.
func (f *elfFile) data(s *elf.Section64, most uint64) ([]byte, error) {
	switch {
	case elf.SectionType(s.Type) == elf.SHT_NOBITS:
		return nil, fmt.Errorf("the section has no data in this file: %w", errELF)
	case elf.SectionFlag(s.Flags)&elf.SHF_COMPRESSED != 0:
		return nil, fmt.Errorf("the section is compressed: %w", errELF)
	case s.Size > most:
		return nil, fmt.Errorf("the section has %d bytes, more than %d: %w", s.Size, most, unix.E2BIG)
	}
	return readAt(f.r, s.Off, s.Size)
}

// offset returns the offset in the file of an address of code or data.
func (f *elfFile) offset(address, size uint64, code bool) (uint64, error) {
	for i := range f.segments {
		s := &f.segments[i]
		isCode := elf.ProgFlag(s.Flags)&elf.PF_X != 0
		if isCode != code || address < s.Vaddr || address-s.Vaddr >= s.Filesz || s.Filesz-(address-s.Vaddr) < size {
			continue
		}
		return address - s.Vaddr + s.Off, nil
	}
	what := "data"
	if code {
		what = "code"
	}
	return 0, fmt.Errorf("the file has no %s at address %#x: %w", what, address, unix.EINVAL)
}

// symbolTables reads both symbol tables, if they exist. It uses only the first of each kind, since
// the ELF specification allows one: a file could have thousands of sections that all refer to one
// large table.
func (f *elfFile) symbolTables() []symbolTable {
	if f.symbols != nil {
		return f.symbols
	}
	f.symbols = []symbolTable{}
	for _, kind := range []elf.SectionType{elf.SHT_SYMTAB, elf.SHT_DYNSYM} {
		i := slices.IndexFunc(f.sections, func(s elf.Section64) bool { return elf.SectionType(s.Type) == kind })
		if i < 0 || f.sections[i].Link >= uint32(len(f.sections)) {
			continue
		}
		raw, err := f.data(&f.sections[i], tableMost)
		if err != nil {
			continue
		}
		if names, err := f.data(&f.sections[f.sections[i].Link], tableMost); err == nil {
			f.symbols = append(f.symbols, symbolTable{raw, names})
		}
	}
	return f.symbols
}

// variable looks up a variable's address by name, in both symbol tables. It returns false if there
// are several.
func (f *elfFile) variable(name string) (address uint64, ok bool) {
	for _, table := range f.symbolTables() {
		names := table.names
		for raw := table.raw; len(raw) >= elf.Sym64Size; raw = raw[elf.Sym64Size:] {
			at, info, section, value := f.order.Uint32(raw), raw[4], f.order.Uint16(raw[6:]), f.order.Uint64(raw[8:])
			if elf.ST_TYPE(info) != elf.STT_OBJECT || elf.SectionIndex(section) == elf.SHN_UNDEF || uint64(at) >= uint64(len(names)) ||
				!bytes.HasPrefix(names[at:], []byte(name)) || !isEnd(names[at:], len(name)) {
				continue
			}
			if ok && value != address {
				return 0, false
			}
			address, ok = value, true
		}
	}
	return address, ok
}

// isEnd reports whether the string ends at at, or continues with a version: name@VERSION.
func isEnd(text []byte, at int) bool {
	return at < len(text) && (text[at] == 0 || text[at] == '@')
}
