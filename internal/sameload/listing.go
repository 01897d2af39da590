package sameload

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// listing shows translated instructions as text that is the same for two loads of one program: maps
// by name, and no address of anything.
func listing(raw []byte, aux uint64, mapName func(id uint32) string) []string {
	var out []string
	insns := slices.Collect(slices.Chunk(raw, int(insnSize)))
	for i := 0; i < len(insns); i++ {
		in := insns[i]
		op, regs := in[0], in[1]
		off := int16(binary.NativeEndian.Uint16(in[2:]))
		imm := binary.NativeEndian.Uint32(in[4:])
		if op == sys.OpCall && srcReg(regs) == sys.PseudoKfuncCall && off != 0 {
			off = 1 // of a module: off is where its BTF is in the loader's fd_array
		}
		text := fmt.Sprintf("%4d: op %02x regs %02x off %d imm ", i, op, regs, off)
		if op != sys.OpLdImm64 || i+1 == len(insns) {
			out = append(out, text+fmt.Sprintf("%#x", imm))
			continue
		}
		i++
		high := binary.NativeEndian.Uint32(insns[i][4:])
		switch srcReg(regs) {
		case sys.PseudoMapFd:
			text += "map " + mapName(imm)
		case sys.PseudoMapValue:
			text += fmt.Sprintf("map %s at %d", mapName(imm), high)
		default:
			text += imm64(uint64(high)<<32|uint64(imm), aux)
		}
		out = append(out, text)
	}
	return out
}

// srcReg is the source register of an instruction: the two fields of the register byte lie in the
// order of the byte order.
func srcReg(regs byte) byte {
	if isLittleEndian {
		return regs >> 4
	}
	return regs & 0xf
}

// imm64 shows a 64-bit constant, but not where the kernel keeps things. The verifier writes the
// address of struct bpf_prog_aux into calls of bpf_timer_set_callback, of the kernel's variables
// into what loads them, of struct metas into allocations. Kernel addresses are in the upper part of
// the address space on amd64 and arm64; the last page of it is for small negative numbers.
func imm64(v, aux uint64) string {
	switch {
	case v == aux:
		return "address of the program"
	case v >= 0xffff<<48 && v < 1<<64-1<<12:
		return "address in the kernel"
	}
	return fmt.Sprintf("%#x", v)
}
