package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"
)

// tinySection is a section of an ELF file that a test writes without a compiler.
type tinySection struct {
	name  string
	typ   elf.SectionType
	flags elf.SectionFlag
	data  []byte
	// symbol is the name of a symbol that covers the section, or "".
	symbol string
	bind   elf.SymBind
	kind   elf.SymType
}

// tinyProgram returns a section with one program that returns 0.
func tinyProgram(section, name string, bind elf.SymBind) tinySection {
	code := EncodeInsns([]Insn{{Op: 0xb7}, {Op: 0x95}}, binary.LittleEndian) // r0 = 0; exit
	return tinySection{section, elf.SHT_PROGBITS, elf.SHF_ALLOC | elf.SHF_EXECINSTR, code, name, bind, elf.STT_FUNC}
}

// tinyELF returns a little-endian BPF object with these sections and without BTF. Local symbols
// come first, as ELF requires.
func tinyELF(t testing.TB, sections ...tinySection) []byte {
	t.Helper()
	order := binary.LittleEndian
	names := []byte{0}
	name := func(s string) uint32 {
		off := len(names)
		names = append(append(names, s...), 0)
		return uint32(off)
	}
	symbols := []elf.Sym64{{}}
	for _, local := range []bool{true, false} {
		for i, s := range sections {
			if s.symbol != "" && (s.bind == elf.STB_LOCAL) == local {
				symbols = append(symbols, elf.Sym64{
					Name: name(s.symbol), Info: elf.ST_INFO(s.bind, s.kind), Shndx: uint16(i + 1), Size: uint64(len(s.data)),
				})
			}
		}
	}
	const headerSize = 64
	var body bytes.Buffer
	headers := []elf.Section64{{}}
	add := func(h elf.Section64, data []byte) {
		h.Off, h.Size, h.Addralign = uint64(headerSize+body.Len()), uint64(len(data)), 8
		body.Write(data)
		body.Write(make([]byte, -body.Len()&7))
		headers = append(headers, h)
	}
	for _, s := range sections {
		add(elf.Section64{Name: name(s.name), Type: uint32(s.typ), Flags: uint64(s.flags)}, s.data)
	}
	var table bytes.Buffer
	write := func(w *bytes.Buffer, v any) {
		if err := binary.Write(w, order, v); err != nil {
			t.Fatal(err)
		}
	}
	write(&table, symbols)
	strtab := uint32(len(headers) + 1)
	add(elf.Section64{Name: name(".symtab"), Type: uint32(elf.SHT_SYMTAB), Link: strtab, Entsize: elf.Sym64Size}, table.Bytes())
	last := name(".strtab")
	add(elf.Section64{Name: last, Type: uint32(elf.SHT_STRTAB)}, names)

	hdr := elf.Header64{
		Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: 1, Shoff: uint64(headerSize + body.Len()),
		Ehsize: headerSize, Shentsize: headerSize, Shnum: uint16(len(headers)), Shstrndx: uint16(strtab),
	}
	copy(hdr.Ident[:], elf.ELFMAG)
	hdr.Ident[elf.EI_CLASS], hdr.Ident[elf.EI_DATA], hdr.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	var file bytes.Buffer
	write(&file, hdr)
	file.Write(body.Bytes())
	write(&file, headers)
	return file.Bytes()
}
