package preflight

import (
	"encoding/binary"

	"github.com/bpf2lskel/bpf2lskel/internal/core"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// value is what is known of a register: a constant, a place in a read-only map, or nothing.
type value struct {
	known bool
	n     uint64 // the constant, or the offset in data
	in    int32  // 1 + the slot of the map, 0 for a constant
}

// number is a value that is a constant.
func (v value) number() bool { return v.known && v.in == 0 }

// contents returns the initial value of the read-only map with that slot, nil for other maps.
type contents func(slot int32) string

type state [11]value

// reachable determines which instructions of a program are reachable, given the constants: results
// of CO-RE, zeros for missing weak symbols, and the object's values in .rodata. The verifier knows
// more.
func reachable(insns []sys.Insn, rodata contents) []bool {
	reached := make([]bool, len(insns))
	states := make([]state, len(insns))
	var work []int
	enter := func(at int, s state) {
		if at < 0 || at >= len(insns) {
			return
		}
		if !reached[at] {
			reached[at], states[at] = true, s
			work = append(work, at)
			return
		}
		changed := false
		for i := range s {
			if old := states[at][i]; old.known && old != s[i] {
				states[at][i] = value{}
				changed = true
			}
		}
		if changed {
			work = append(work, at)
		}
	}
	enter(0, state{})
	for len(work) > 0 {
		at := work[len(work)-1]
		work = work[:len(work)-1]
		follow(insns, at, states[at], rodata, enter)
	}
	return reached
}

// follow enters what comes after an instruction.
func follow(insns []sys.Insn, at int, s state, rodata contents, enter func(at int, s state)) {
	insn := insns[at]
	dst, src := core.Registers(insn)
	if int(max(dst, src)) >= len(s) {
		return
	}
	operand := value{known: true, n: uint64(int64(insn.Imm))}
	if insn.Code&sys.X != 0 {
		operand = s[src]
	}
	next := at + 1
	switch class := sys.Class(insn.Code); class {
	case sys.ALU64, sys.ALU:
		s[dst] = compute(insn.Code, s[dst], operand)
		if insn.Off != 0 { // the signed ones of -mcpu=v4
			s[dst] = value{}
		}
	case sys.LD:
		s[dst] = value{}
		if insn.Code == sys.OpLdImm64 && next < len(insns) {
			if src == 0 {
				s[dst] = value{known: true, n: uint64(uint32(insn.Imm)) | uint64(uint32(insns[next].Imm))<<32}
			}
			if src == sys.PseudoMapIdxValue {
				s[dst] = value{known: true, n: uint64(uint32(insns[next].Imm)), in: 1 + insn.Imm}
			}
			if src == sys.PseudoFunc {
				enter(at+1+int(insn.Imm), state{})
			}
			next++
		} else {
			s[0] = value{} // of the old loads of packets
		}
	case sys.LDX:
		s[dst] = loaded(insn, s[src], rodata)
	case sys.STX:
		if insn.Code&0xe0 == sys.ATOMIC {
			s[src], s[0] = value{}, value{}
		}
	case sys.JMP, sys.JMP32:
		switch op := insn.Code & 0xf0; op {
		case sys.EXIT:
			return
		case sys.CALL:
			if src == sys.PseudoCall {
				enter(at+1+int(insn.Imm), state{})
			}
			for i := range 6 {
				s[i] = value{}
			}
		case sys.JA:
			enter(next+jumpOf(insn, class), s)
			return
		default:
			taken, known := holds(op, class == sys.JMP32, s[dst], operand)
			if !known || taken {
				enter(next+int(insn.Off), s)
			}
			if known && taken {
				return
			}
		}
	}
	enter(next, s)
}

// jumpOf is how far an unconditional jump goes: the long one of -mcpu=v4 has its distance in imm.
func jumpOf(insn sys.Insn, class uint8) int {
	if class == sys.JMP32 {
		return int(insn.Imm)
	}
	return int(insn.Off)
}

// loaded returns the value that an instruction reads.
func loaded(insn sys.Insn, from value, rodata contents) value {
	if !from.known || from.in == 0 || insn.Code&0xe0 != sys.MEM {
		return value{}
	}
	data := rodata(from.in - 1)
	at := from.n + uint64(int64(insn.Off))
	size := [...]uint64{4, 2, 1, 8}[insn.Code>>3&3]
	if at > uint64(len(data)) || size > uint64(len(data))-at {
		return value{}
	}
	var bytes [8]byte
	copy(bytes[:], data[at:][:size])
	order := binary.NativeEndian
	switch size {
	case 1:
		return value{known: true, n: uint64(bytes[0])}
	case 2:
		return value{known: true, n: uint64(order.Uint16(bytes[:]))}
	case 4:
		return value{known: true, n: uint64(order.Uint32(bytes[:]))}
	}
	return value{known: true, n: order.Uint64(bytes[:])}
}

func compute(code uint8, a, b value) value {
	op := code & 0xf0
	switch {
	case op == sys.MOV && sys.Class(code) == sys.ALU64:
		return b
	case op == sys.MOV:
		a = value{known: true}
	case op == sys.ADD && a.known && a.in != 0 && b.number():
		a.n += b.n
		return a
	}
	if !a.number() || !b.number() {
		return value{}
	}
	var n uint64
	switch op {
	case sys.MOV:
		n = b.n
	case sys.ADD:
		n = a.n + b.n
	case sys.SUB:
		n = a.n - b.n
	case sys.AND:
		n = a.n & b.n
	case sys.OR:
		n = a.n | b.n
	case sys.XOR:
		n = a.n ^ b.n
	case sys.LSH:
		n = a.n << (b.n & 63)
	case sys.RSH:
		if sys.Class(code) == sys.ALU {
			a.n = uint64(uint32(a.n))
		}
		n = a.n >> (b.n & 63)
	default:
		return value{}
	}
	if sys.Class(code) == sys.ALU {
		n = uint64(uint32(n))
	}
	return value{known: true, n: n}
}

// holds evaluates a comparison, if both sides are known.
func holds(op uint8, narrow bool, a, b value) (taken, known bool) {
	if !a.number() || !b.number() {
		return false, false
	}
	x, y := a.n, b.n
	sx, sy := int64(x), int64(y)
	if narrow {
		x, y = uint64(uint32(x)), uint64(uint32(y))
		sx, sy = int64(int32(x)), int64(int32(y))
	}
	switch op {
	case sys.JEQ:
		return x == y, true
	case sys.JNE:
		return x != y, true
	case sys.JGT:
		return x > y, true
	case 0x30: // BPF_JGE
		return x >= y, true
	case sys.JLT:
		return x < y, true
	case 0xb0: // BPF_JLE
		return x <= y, true
	case 0x40: // BPF_JSET
		return x&y != 0, true
	case 0x60: // BPF_JSGT
		return sx > sy, true
	case 0x70: // BPF_JSGE
		return sx >= sy, true
	case 0xc0: // BPF_JSLT
		return sx < sy, true
	case 0xd0: // BPF_JSLE
		return sx <= sy, true
	}
	return false, false
}
