package object

import (
	"encoding/binary"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// InsnSize is the size of struct bpf_insn in bytes.
const InsnSize = 8

// IsCall reports whether i calls a helper, kfunc or subprogram.
func (i Insn) IsCall() bool { return i.Op == sys.OpCall }

// IsLdImm64 reports whether i is the first half of a 16-byte load.
func (i Insn) IsLdImm64() bool { return i.Op == sys.OpLdImm64 }

// isSubprogCall is libbpf's insn_is_subprog_call.
func (i Insn) isSubprogCall() bool {
	return i.IsCall() && i.Src == sys.PseudoCall && i.Dst == 0 && i.Off == 0
}

// DecodeInsn decodes an instruction from the first InsnSize bytes of b. The two registers share a
// byte, and the byte order decides which half is which (struct bpf_insn's bit fields).
func DecodeInsn(b []byte, order binary.ByteOrder) Insn {
	lo, hi := b[1]&0xf, b[1]>>4
	if order == binary.BigEndian {
		lo, hi = hi, lo
	}
	return Insn{
		Op:  b[0],
		Dst: lo,
		Src: hi,
		Off: int16(order.Uint16(b[2:])),
		Imm: int32(order.Uint32(b[4:])),
	}
}

// AppendTo appends the instruction to b in the given byte order.
func (i Insn) AppendTo(b []byte, order binary.ByteOrder) []byte {
	lo, hi := i.Dst, i.Src
	if order == binary.BigEndian {
		lo, hi = hi, lo
	}
	var raw [InsnSize]byte
	raw[0], raw[1] = i.Op, lo&0xf|hi<<4
	order.PutUint16(raw[2:], uint16(i.Off))
	order.PutUint32(raw[4:], uint32(i.Imm))
	return append(b, raw[:]...)
}

// EncodeInsns returns the instructions in the given byte order.
func EncodeInsns(insns []Insn, order binary.ByteOrder) []byte {
	b := make([]byte, 0, len(insns)*InsnSize)
	for _, i := range insns {
		b = i.AppendTo(b, order)
	}
	return b
}

// decodeInsns decodes a section of code.
func decodeInsns(b []byte, order binary.ByteOrder) []Insn {
	insns := make([]Insn, len(b)/InsnSize)
	for i := range insns {
		insns[i] = DecodeInsn(b[i*InsnSize:], order)
	}
	return insns
}
