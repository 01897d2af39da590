package core

import (
	"encoding/binary"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

var (
	bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1
	byteOrder = machineOrder() // package btf does not recognize binary.NativeEndian
)

func machineOrder() binary.ByteOrder {
	if bigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// SourceOf returns src_reg.
func SourceOf(insn sys.Insn) uint8 {
	if bigEndian {
		return insn.Regs & 0xf
	}
	return insn.Regs >> 4
}

// SetSource sets src_reg.
func SetSource(insn *sys.Insn, src uint8) {
	if bigEndian {
		insn.Regs = insn.Regs&0xf0 | src
	} else {
		insn.Regs = insn.Regs&0x0f | src<<4
	}
}

// Registers returns dst_reg and src_reg.
func Registers(insn sys.Insn) (dst, src uint8) {
	if bigEndian {
		return insn.Regs >> 4, insn.Regs & 0xf
	}
	return insn.Regs & 0xf, insn.Regs >> 4
}
