package sameload

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// listing formats translated instructions so that two loads of a program give the same text: it has
// maps by name and no addresses.
func listing(raw []byte, aux uint64, mapName func(id uint32) string) []string {
	var out []string
	insns := slices.Collect(slices.Chunk(raw, int(insnSize)))
	for i := 0; i < len(insns); i++ {
		in := insns[i]
		op, regs := in[0], in[1]
		off := int16(binary.NativeEndian.Uint16(in[2:]))
		imm := binary.NativeEndian.Uint32(in[4:])
		if op == sys.OpCall && srcReg(regs) == sys.PseudoKfuncCall && off != 0 {
			off = 1 // module: off is the index of its BTF in the loader's fd_array
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

// srcReg returns the source register of an instruction. The order of the two fields in the register
// byte depends on the byte order.
func srcReg(regs byte) byte {
	if isLittleEndian {
		return regs >> 4
	}
	return regs & 0xf
}

// imm64 formats a 64-bit constant unless it is a kernel address. The verifier writes the address of
// struct bpf_prog_aux to calls of bpf_timer_set_callback, addresses of kernel variables to their
// loads, and addresses of struct metas to allocations. Kernel addresses are in the upper part of
// the address space on amd64 and arm64; its last page is for small negative numbers.
func imm64(v, aux uint64) string {
	switch {
	case v == aux:
		return "address of the program"
	case v >= 0xffff<<48 && v < 1<<64-1<<12:
		return "address in the kernel"
	}
	return fmt.Sprintf("%#x", v)
}
