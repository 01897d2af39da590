package oldkernel

import (
	"encoding/binary"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

var (
	bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1
	byteOrder = machineOrder() // package btf does not take binary.NativeEndian for what it is
)

func machineOrder() binary.ByteOrder {
	if bigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// sourceOf returns src_reg.
func sourceOf(insn sys.Insn) uint8 {
	if bigEndian {
		return insn.Regs & 0xf
	}
	return insn.Regs >> 4
}

func setSource(insn *sys.Insn, src uint8) {
	if bigEndian {
		insn.Regs = insn.Regs&0xf0 | src
	} else {
		insn.Regs = insn.Regs&0x0f | src<<4
	}
}
