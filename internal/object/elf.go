package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// elfFile holds the sections and symbols of an ELF file. It uses the constants and structs of
// debug/elf but not its reader, which copies every name, so that a few thousand symbols that share
// a name of one megabyte take gigabytes. Here names and sections are slices of the file.
type elfFile struct {
	order    binary.ByteOrder
	sections []section // by index; the first is the null section
	symbols  []symbol  // by index
}

// section is an ELF section.
type section struct {
	index   int
	name    string
	typ     elf.SectionType
	flags   elf.SectionFlag
	size    uint64 // as declared: .bss has no bytes in the file
	link    uint32
	info    uint32
	entsize uint64
	data    []byte // part of the file; nil for SHT_NOBITS
}

// symbol is an ELF symbol.
type symbol struct {
	name       string
	bind       elf.SymBind
	typ        elf.SymType
	visibility elf.SymVis
	section    elf.SectionIndex
	value      uint64
	size       uint64
}

// isExtern is libbpf's sym_is_extern.
func (s *symbol) isExtern() bool {
	return s.section == elf.SHN_UNDEF && s.isGlobal() && s.typ == elf.STT_NOTYPE
}

func (s *symbol) isGlobal() bool { return s.bind == elf.STB_GLOBAL || s.bind == elf.STB_WEAK }

// isHidden reports whether a symbol is treated as static although its name is global.
func (s *symbol) isHidden() bool {
	return s.visibility == elf.STV_HIDDEN || s.visibility == elf.STV_INTERNAL
}

var errTruncated = errors.New("truncated")

// maxName bounds the search for a name's terminating zero, in bytes.
const maxName = 1 << 16

// stringAt returns the zero-terminated string at an offset, without a copy.
func stringAt(table string, off uint64) (string, bool) {
	if off >= uint64(len(table)) {
		return "", false
	}
	table = table[off:]
	end := strings.IndexByte(table[:min(len(table), maxName)], 0)
	if end < 0 {
		return "", false
	}
	return table[:end], true
}

func readELF(data []byte) (*elfFile, error) {
	hdr, order, err := readELFHeader(data)
	if err != nil {
		return nil, err
	}
	f := &elfFile{order: order}
	if err := f.readSections(data, hdr); err != nil {
		return nil, err
	}
	return f, f.readSymbols()
}

func readELFHeader(data []byte) (*elf.Header64, binary.ByteOrder, error) {
	if !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return nil, nil, errors.New("not an ELF file")
	}
	var hdr elf.Header64
	if len(data) < binary.Size(hdr) {
		return nil, nil, fmt.Errorf("ELF header: %w", errTruncated)
	}
	if class := elf.Class(data[elf.EI_CLASS]); class != elf.ELFCLASS64 {
		return nil, nil, errors.New("not a 64-bit ELF file")
	}
	var order binary.ByteOrder
	switch elf.Data(data[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		order = binary.BigEndian
	default:
		return nil, nil, errors.New("ELF header: unknown byte order")
	}
	decode(data, order, &hdr)
	// Old versions of LLVM leave the machine at 0 (bpf_object__elf_init).
	if m := elf.Machine(hdr.Machine); m != elf.EM_BPF && m != elf.EM_NONE {
		return nil, nil, fmt.Errorf("not a BPF object: ELF machine %v", m)
	}
	if typ := elf.Type(hdr.Type); typ != elf.ET_REL {
		return nil, nil, fmt.Errorf("not an object file: ELF type %v", typ)
	}
	return &hdr, order, nil
}

// decode reads a fixed-size struct from data, which is long enough.
func decode(data []byte, order binary.ByteOrder, v any) {
	if _, err := binary.Decode(data, order, v); err != nil {
		panic(err) // unreachable: callers check the length
	}
}

func (f *elfFile) readSections(data []byte, hdr *elf.Header64) error {
	const headerSize = 64 // of elf.Section64
	if hdr.Shoff == 0 {
		return errors.New("no sections")
	}
	if hdr.Shentsize != headerSize {
		return fmt.Errorf("unsupported section headers of %d bytes", hdr.Shentsize)
	}
	if hdr.Shoff > uint64(len(data)) {
		return fmt.Errorf("section headers: %w", errTruncated)
	}
	table := data[hdr.Shoff:]
	count, names := uint64(hdr.Shnum), uint32(hdr.Shstrndx)
	if len(table) >= headerSize {
		// The null section has the numbers that do not fit the header.
		var null elf.Section64
		decode(table, f.order, &null)
		if count == 0 {
			count = null.Size
		}
		if names == uint32(elf.SHN_XINDEX) {
			names = null.Link
		}
	}
	if count > uint64(len(table)/headerSize) {
		return fmt.Errorf("section headers: %w", errTruncated)
	}

	f.sections = make([]section, count)
	nameOffs := make([]uint32, count)
	for i := range f.sections {
		var sh elf.Section64
		decode(table[i*headerSize:], f.order, &sh)
		nameOffs[i] = sh.Name
		f.sections[i] = section{
			index: i, typ: elf.SectionType(sh.Type), flags: elf.SectionFlag(sh.Flags),
			size: sh.Size, link: sh.Link, info: sh.Info, entsize: sh.Entsize,
		}
		if i == 0 || sh.Type == uint32(elf.SHT_NOBITS) || sh.Type == uint32(elf.SHT_NULL) {
			continue
		}
		if sh.Off > uint64(len(data)) || sh.Size > uint64(len(data))-sh.Off {
			return fmt.Errorf("section %d: %w", i, errTruncated)
		}
		f.sections[i].data = data[sh.Off : sh.Off+sh.Size : sh.Off+sh.Size]
	}

	if uint64(names) >= count {
		return errors.New("no section names")
	}
	sectionNames := string(f.sections[names].data)
	for i := range f.sections[min(1, count):] {
		s := &f.sections[i+1]
		name, ok := stringAt(sectionNames, uint64(nameOffs[i+1]))
		if !ok {
			return fmt.Errorf("section %d: no valid name", i+1)
		}
		s.name = name
	}
	return nil
}

func (f *elfFile) readSymbols() error {
	var table *section
	for i := range f.sections {
		if s := &f.sections[i]; s.typ == elf.SHT_SYMTAB {
			if table != nil {
				return errors.New("more than one symbol table")
			}
			table = s
		}
	}
	if table == nil {
		return errors.New("no symbol table: strip the object with llvm-strip -g only")
	}
	if table.entsize != elf.Sym64Size || len(table.data)%elf.Sym64Size != 0 {
		return badSection(table.name, "not a symbol table")
	}
	if int(table.link) >= len(f.sections) || f.sections[table.link].typ != elf.SHT_STRTAB {
		return badSection(table.name, "no symbol names")
	}
	names := string(f.sections[table.link].data)
	f.symbols = make([]symbol, 0, len(table.data)/elf.Sym64Size)
	for raw := range slices.Chunk(table.data, elf.Sym64Size) {
		var sym elf.Sym64
		decode(raw, f.order, &sym)
		name, ok := stringAt(names, uint64(sym.Name))
		if !ok {
			return badSection(table.name, "symbol %d: no valid name", len(f.symbols))
		}
		f.symbols = append(f.symbols, symbol{
			name: name,
			bind: elf.ST_BIND(sym.Info), typ: elf.ST_TYPE(sym.Info), visibility: elf.ST_VISIBILITY(sym.Other),
			section: elf.SectionIndex(sym.Shndx), value: sym.Value, size: sym.Size,
		})
	}
	return nil
}

// sectionOf returns the section of a symbol. It is nil for undefined and special symbols.
func (f *elfFile) sectionOf(sym *symbol) *section {
	if sym.section == elf.SHN_UNDEF || int(sym.section) >= len(f.sections) {
		return nil
	}
	return &f.sections[sym.section]
}

// symbolName returns the name of a symbol for errors. A section symbol has the name of its section.
func (f *elfFile) symbolName(sym *symbol) string {
	if s := f.sectionOf(sym); s != nil && sym.typ == elf.STT_SECTION && sym.name == "" {
		return s.name
	}
	return sym.name
}

// relocType is the type of a BPF relocation, which debug/elf lacks. The values are LLVM's
// (llvm/include/llvm/BinaryFormat/ELFRelocs/BPF.def).
type relocType uint32

const (
	relocLdImm64 relocType = 1  // R_BPF_64_64; before LLVM 13 also used for relocABS64
	relocABS64   relocType = 2  // R_BPF_64_ABS64
	relocCall    relocType = 10 // R_BPF_64_32
)

// relocation is an entry of a SHT_REL section.
type relocation struct {
	off uint64 // in bytes, from the start of the section that it applies to
	typ relocType
	sym *symbol
}

// relocations decodes a SHT_REL section.
func (f *elfFile) relocations(s *section) ([]relocation, error) {
	const size = 16 // of elf.Rel64
	if s.entsize != size || len(s.data)%size != 0 {
		return nil, badSection(s.name, "not a relocation table")
	}
	rels := make([]relocation, 0, len(s.data)/size)
	for raw := range slices.Chunk(s.data, size) {
		var rel elf.Rel64
		decode(raw, f.order, &rel)
		sym := elf.R_SYM64(rel.Info)
		if int64(sym) >= int64(len(f.symbols)) {
			return nil, badSection(s.name, "relocation %d: invalid symbol %d", len(rels), sym)
		}
		rels = append(rels, relocation{off: rel.Off, typ: relocType(elf.R_TYPE64(rel.Info)), sym: &f.symbols[sym]})
	}
	return rels, nil
}

// sectionsByName returns the first section of each name.
func (f *elfFile) sectionsByName() map[string]*section {
	m := make(map[string]*section, len(f.sections))
	for i := len(f.sections) - 1; i > 0; i-- {
		m[f.sections[i].name] = &f.sections[i]
	}
	return m
}

// sectionByName returns the first section of that name.
func (f *elfFile) sectionByName(name string) *section {
	for i := range f.sections {
		if s := &f.sections[i]; i > 0 && s.name == name {
			return s
		}
	}
	return nil
}
