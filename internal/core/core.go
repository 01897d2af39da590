// Package core resolves CO-RE relocations in the process, with package btf of cilium/ebpf, as the
// kernel does (tools/lib/bpf/relo_core.c): it resolves each record separately, adjusts the size of
// memory accesses, and uses zeros for the size and the ID of a missing type.
package core

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Core resolves the CO-RE relocations of an object. Like the kernel, it resolves each one
// separately. It keeps the result for relocations that occur several times, in one program or in
// several.
type Core struct {
	local   *btf.Spec
	kernel  Kernel
	records map[relo]*btf.CORERelocation
	fixups  map[relo]fixup
}

// Kernel provides the types that relocations are resolved against.
type Kernel interface {
	// Targets returns the BTF to search for a type with this name: the BTF of vmlinux, and the BTF
	// of modules if vmlinux lacks the type (bpf_core_find_cands).
	Targets(name string) ([]*btf.Spec, error)
}

// relo is a CO-RE record without the instruction.
type relo struct{ typeID, access, kind uint32 }

type fixup struct {
	btf.COREFixup
	err error
}

// New reads the relocations of all programs. It returns nil if there are none.
func New(s *spec.Spec, kernel Kernel) (*Core, error) {
	var distinct []relo
	index := make(map[relo]int)
	add := func(r relo) {
		if _, ok := index[r]; !ok {
			index[r] = len(distinct)
			distinct = append(distinct, r)
		}
	}
	const size = spec.BlobOff(unsafe.Sizeof(sys.CoreRelo{}))
	for i := range s.Programs {
		p := &s.Programs[i]
		if p.CORERelos == 0 {
			continue
		}
		n := s.Word(p.Attr + spec.BlobOff(unsafe.Offsetof(sys.ProgLoadAttr{}.CoreReloCnt)))
		for at := p.CORERelos; at < p.CORERelos+size*spec.BlobOff(n); at += size {
			r := relo{s.Word(at + 4), s.Word(at + 8), s.Word(at + 12)}
			add(r)
			if r.kind == sys.CoreFieldByteOffset { // for accesses to memory, whose size may differ
				add(relo{r.typeID, r.access, sys.CoreFieldByteSize})
				add(relo{r.typeID, r.access, sys.CoreFieldSigned})
			}
		}
	}
	if len(distinct) == 0 {
		return nil, nil
	}
	local, infos, err := btf.LoadSpecAndExtInfosFromReader(bytes.NewReader(objectFile([]byte(s.Blob[s.BTF.Data:][:s.BTF.Size]), distinct)))
	if err != nil {
		return nil, fmt.Errorf("read the object's BTF: %w", err)
	}
	c := &Core{local: local, kernel: kernel, records: make(map[relo]*btf.CORERelocation), fixups: make(map[relo]fixup)}
	for _, relos := range infos.CORERelos {
		for _, r := range relos {
			c.records[distinct[r.Offset]] = r.Relo
		}
	}
	return c, nil
}

// objectFile returns an ELF file with BTF and CO-RE records, the only form in which package btf
// reads records. Each record is for the instruction with its index.
func objectFile(types []byte, relos []relo) []byte {
	order := binary.NativeEndian
	words := func(b []byte, w ...uint32) []byte {
		for _, w := range w {
			b = order.AppendUint32(b, w)
		}
		return b
	}
	// struct btf_ext_header, including the CO-RE fields at its end.
	ext := order.AppendUint16(nil, sys.BtfMagic)
	ext = append(ext, 1, 0)
	const header = 32
	empty := uint32(4) // func info and line info have a record size, but no records
	records := uint32(4 + 8 + 16*len(relos))
	ext = words(ext, header, 0, empty, empty, empty, 2*empty, records)
	ext = words(ext, 8, 16, uint32(unsafe.Sizeof(sys.CoreRelo{})))
	ext = words(ext, relos[0].access, uint32(len(relos))) // any name will do for the section
	for i, r := range relos {
		ext = words(ext, uint32(8*i), r.typeID, r.access, r.kind)
	}

	const names = "\x00.BTF\x00.BTF.ext\x00.symtab\x00.strtab\x00"
	noSymbol := make([]byte, elf.Sym64Size) // the ELF file must have a symbol table
	var file bytes.Buffer
	data := elf.ELFDATA2LSB
	if bigEndian {
		data = elf.ELFDATA2MSB
	}
	size := uint64(binary.Size(elf.Header64{}))
	sections := []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Size: uint64(len(types)), Addralign: 1},
		{Name: 6, Type: uint32(elf.SHT_PROGBITS), Size: uint64(len(ext)), Addralign: 1},
		{Name: 15, Type: uint32(elf.SHT_SYMTAB), Size: uint64(len(noSymbol)), Addralign: 1, Entsize: elf.Sym64Size, Link: 4},
		{Name: 23, Type: uint32(elf.SHT_STRTAB), Size: uint64(len(names)), Addralign: 1},
	}
	at := size + uint64(binary.Size(sections))
	for i := range sections[1:] {
		sections[1+i].Off = at
		at += sections[1+i].Size
	}
	_ = binary.Write(&file, order, elf.Header64{
		Ident: [elf.EI_NIDENT]byte{'\x7f', 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(data), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: uint32(elf.EV_CURRENT),
		Shoff: size, Ehsize: uint16(size), Shentsize: uint16(binary.Size(sections[0])), Shnum: uint16(len(sections)), Shstrndx: 4,
	})
	_ = binary.Write(&file, order, sections)
	file.Write(types)
	file.Write(ext)
	file.Write(noSymbol)
	file.WriteString(names)
	return file.Bytes()
}

// Apply patches a program's instructions according to its records.
func (c *Core) Apply(insns []sys.Insn, relos []sys.CoreRelo) error {
	for i := range relos {
		r := relo{relos[i].TypeId, relos[i].AccessStrOff, relos[i].Kind}
		at := relos[i].InsnOff / 8
		if int(at) >= len(insns) {
			return fmt.Errorf("CO-RE relocation %d is beyond the program", i)
		}
		if err := c.applyOne(insns[at:], r); err != nil {
			return fmt.Errorf("CO-RE relocation of %v at instruction %d: %w", c.records[r], at, err)
		}
	}
	return nil
}

func (c *Core) applyOne(insns []sys.Insn, r relo) error {
	f := c.resolve(r)
	if f.err != nil {
		return f.err
	}
	in := asm.Instruction{
		OpCode: asm.OpCode(insns[0].Code), Dst: asm.R0, Src: asm.R0, Offset: insns[0].Off, Constant: int64(insns[0].Imm),
	}
	wide := insns[0].Code == sys.OpLdImm64 && len(insns) > 1
	if wide {
		in.Constant = int64(uint64(uint32(insns[0].Imm)) | uint64(uint32(insns[1].Imm))<<32)
	}
	if err := f.Apply(&in); err != nil {
		return err
	}
	switch {
	case !isPoison(in):
	case r.kind == sys.CoreTypeSize || r.kind == sys.CoreTypeIDTarget:
		in.Constant = 0 // for a missing type (bpf_core_calc_type_relo)
	default:
		// As in the kernel, call a helper that does not exist, in both halves.
		insns[0] = sys.Insn{Code: sys.OpCall, Imm: spec.BadRelo}
		if wide {
			insns[1] = insns[0]
		}
		return nil
	}
	insns[0].Imm = int32(in.Constant)
	if wide {
		insns[1].Imm = int32(in.Constant >> 32)
	}
	switch sys.Class(insns[0].Code) {
	case sys.LDX, sys.ST, sys.STX:
		insns[0].Off = in.Offset
		return c.resize(&insns[0], r)
	}
	return nil
}

func isPoison(in asm.Instruction) bool {
	return in.Constant == btf.COREBadRelocationSentinel && (in.OpCode == asm.OpCode(sys.OpCall) || in.Dst == asm.R10)
}

// resize gives a memory access the size of the field in the kernel, which is possible for unsigned
// integers (bpf_core_patch_insn). For other fields whose size differs, the instruction becomes
// invalid.
func (c *Core) resize(insn *sys.Insn, r relo) error {
	sizes := [...]int64{4, 2, 1, 8}
	local := sizes[insn.Code>>3&3]
	size, ok := c.value(relo{r.typeID, r.access, sys.CoreFieldByteSize}, local)
	if ok && size == local {
		return nil
	}
	signed, unsigned := int64(1), false
	if ok {
		signed, unsigned = c.value(relo{r.typeID, r.access, sys.CoreFieldSigned}, 0)
	}
	for code, n := range sizes {
		if ok && n == size && unsigned && signed == 0 {
			insn.Code = insn.Code&^0x18 | uint8(code)<<3
			return nil
		}
	}
	if !ok {
		return nil // an access to a part of the field keeps its size
	}
	*insn = sys.Insn{Code: sys.OpCall, Imm: spec.BadRelo}
	return nil
}

// value resolves a relocation. local is its expected value in the object. ok is false if the object
// has another value, or the relocation cannot be resolved.
func (c *Core) value(r relo, local int64) (n int64, ok bool) {
	f := c.resolve(r)
	in := asm.Mov.Imm(asm.R1, int32(local))
	if f.err != nil || f.Apply(&in) != nil || isPoison(in) {
		return 0, false
	}
	return in.Constant, true
}

// resolve returns the result of a relocation for the kernel.
func (c *Core) resolve(r relo) fixup {
	if f, ok := c.fixups[r]; ok {
		return f
	}
	var f fixup
	f.COREFixup, f.err = c.find(r)
	c.fixups[r] = f
	return f
}

func (c *Core) find(r relo) (btf.COREFixup, error) {
	record := c.records[r]
	if record == nil {
		return btf.COREFixup{}, errors.New("the record does not belong to the object")
	}
	targets, err := c.targets(r)
	if err != nil {
		return btf.COREFixup{}, err
	}
	fixups, err := btf.CORERelocate([]*btf.CORERelocation{record}, targets, byteOrder, c.local.TypeID)
	if err != nil {
		return btf.COREFixup{}, err
	}
	return fixups[0], nil
}

// HasRoot reports whether the kernel has a type with the name of a record's root type.
func (c *Core) HasRoot(r sys.CoreRelo) bool {
	root, err := c.local.TypeByID(btf.TypeID(r.TypeId))
	if err != nil {
		return false
	}
	name := sys.EssentialName(root.TypeName())
	targets, err := c.kernel.Targets(name)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(targets, func(s *btf.Spec) bool {
		_, err := s.AnyTypesByName(name)
		return err == nil
	})
}

// targets returns the candidates for the relocation's type.
func (c *Core) targets(r relo) ([]*btf.Spec, error) {
	root, err := c.local.TypeByID(btf.TypeID(r.typeID))
	if err != nil {
		return nil, err
	}
	return c.kernel.Targets(sys.EssentialName(root.TypeName()))
}
