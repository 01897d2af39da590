package loader

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A reg is a register of the loader program.
type reg uint8

const (
	r0 reg = iota
	r1
	r2
	r3
	r4
	r5
	slots   // R6
	cursor  // R7
	btfFD   // R8
	license // R9
	frame   // R10

	part = r2 // number of the part to run, in a loader with parts
)

// The opcodes that a loader uses.
const (
	opMovImm   = sys.OpMovImm
	opMov32Imm = sys.OpMov32Imm
	opMovReg   = sys.OpMovReg
	opMov32Reg = sys.OpMov32Reg
	opAddImm   = sys.OpAddImm
	opAddReg   = sys.OpAddReg
	opSubReg   = sys.OpSubReg
	opMulImm   = sys.OpMulImm
	opMulReg   = sys.OpMulReg
	opOrImm    = sys.OpOrImm
	opOrReg    = sys.OpOrReg
	opXorImm   = sys.OpXorImm
	opXorReg   = sys.OpXorReg
	opRshImm   = sys.OpRshImm
	opAnd32Imm = sys.OpAnd32Imm
	opNeg      = sys.OpNeg
	opLdImm64  = sys.OpLdImm64
	opLdx32    = sys.OpLdx32
	opLdx64    = sys.OpLdx64
	opStx8     = sys.OpStx8
	opStx16    = sys.OpStx16
	opStx32    = sys.OpStx32
	opStx64    = sys.OpStx64
	opCall     = sys.OpCall
	opExit     = sys.OpExit
	opJeqImm   = sys.OpJeqImm
	opJneImm   = sys.OpJneImm
	opJgtImm   = sys.OpJgtImm
)

// A helper is the number of a BPF helper, enum bpf_func_id.
type helper int32

const (
	sysBPF             helper = sys.FuncSysBPF
	btfFindByNameKind  helper = sys.FuncBtfFindByNameKind
	kallsymsLookupName helper = sys.FuncKallsymsLookupName
)

var helperNames = map[helper]string{
	sysBPF:             "bpf_sys_bpf",
	btfFindByNameKind:  "bpf_btf_find_by_name_kind",
	kallsymsLookupName: "bpf_kallsyms_lookup_name",
}

// An insn is one instruction of the loader.
type insn struct {
	op  uint8
	dst reg
	src reg
	off int16
	imm int32
}

// asm collects the loader's instructions, and a comment for each group of them.
type asm struct {
	insns    []insn
	comments map[int]string // by index of the group's first instruction
	tooFar   bool           // a jump exceeds its 16 bits: the code is unusable
}

// say sets the comment of the instructions that follow, for listings.
func (a *asm) say(format string, args ...any) {
	if a.comments == nil {
		a.comments = make(map[int]string)
	}
	a.comments[len(a.insns)] = fmt.Sprintf(format, args...)
}

func (a *asm) emit(i insn) { a.insns = append(a.insns, i) }

// dst = value
func (a *asm) movImm(dst reg, value int32) { a.emit(insn{op: opMovImm, dst: dst, imm: value}) }

// dst = src
func (a *asm) mov(dst, src reg) { a.emit(insn{op: opMovReg, dst: dst, src: src}) }

// dst += value
func (a *asm) add(dst reg, value int32) {
	if value != 0 {
		a.emit(insn{op: opAddImm, dst: dst, imm: value})
	}
}

// dst OP= value, for the 64-bit operations with an immediate
func (a *asm) alu(op uint8, dst reg, value int32) { a.emit(insn{op: op, dst: dst, imm: value}) }

// dst OP= src, for the 64-bit operations with a register
func (a *asm) op(op uint8, dst, src reg) { a.emit(insn{op: op, dst: dst, src: src}) }

// dst |= src
func (a *asm) or(dst, src reg) { a.emit(insn{op: opOrReg, dst: dst, src: src}) }

// dst ^= src
func (a *asm) xor(dst, src reg) { a.emit(insn{op: opXorReg, dst: dst, src: src}) }

// dst = *(size *)(src + off), the size being that of op
func (a *asm) load(op uint8, dst, src reg, off int) {
	src, off = a.reach(src, off)
	a.emit(insn{op: op, dst: dst, src: src, off: int16(off)})
}

// *(size *)(dst + off) = src, the size being that of op
func (a *asm) store(op uint8, dst reg, off int, src reg) {
	dst, off = a.reach(dst, off)
	a.emit(insn{op: op, dst: dst, src: src, off: int16(off)})
}

// reach returns a register and a 16-bit offset for base + off. If off is too large, it uses R5:
//
//	r5 = base; r5 += off
func (a *asm) reach(base reg, off int) (reg, int) {
	if off <= math.MaxInt16 {
		return base, off
	}
	a.mov(r5, base)
	a.add(r5, int32(off))
	return r5, 0
}

// r0 = h(r1, ...)
func (a *asm) call(h helper) { a.emit(insn{op: opCall, imm: int32(h)}) }

// A label is the index of a jump whose target is not known yet.
type label int

// if r OP value goto where the label lands
func (a *asm) jump(op uint8, r reg, value int32) label {
	a.emit(insn{op: op, dst: r, imm: value})
	return label(len(a.insns) - 1)
}

// land makes the next instruction the target of a jump.
func (a *asm) land(l label) {
	distance := len(a.insns) - int(l) - 1
	a.tooFar = a.tooFar || distance > math.MaxInt16
	a.insns[l].off = int16(distance)
}

// dst = the blob, as map value
func (a *asm) loadBlob(dst reg) {
	// Map 0 of the loader's own fd_array, value offset 0.
	a.emit(insn{op: opLdImm64, dst: dst, src: sys.PseudoMapIdxValue})
	a.emit(insn{})
}

// encode returns the instructions in the given byte order.
func (a *asm) encode(bo binary.ByteOrder) []byte {
	b := blob{bo: bo, buf: make([]byte, 0, 8*len(a.insns))}
	for _, i := range a.insns {
		b.record(sys.Insn{Code: i.op, Regs: regs(bo, i.dst, i.src), Off: i.off, Imm: i.imm})
	}
	return b.buf
}

// regs packs dst_reg and src_reg of struct bpf_insn, bit-fields of four bits each, which the byte
// order arranges in the byte.
func regs(bo binary.ByteOrder, dst, src reg) uint8 {
	if isBigEndian(bo) {
		return uint8(dst)<<4 | uint8(src)
	}
	return uint8(src)<<4 | uint8(dst)
}

func isBigEndian(bo binary.ByteOrder) bool {
	return bo.Uint16([]byte{1, 0}) == 0x100
}
