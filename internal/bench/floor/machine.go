// Package floor is the least that a load can take: the bpf calls that an
// object needs, made directly, with everything resolved beforehand. The calls
// are those of the loader program, taken from it by interpreting it in user
// space: the same attrs, in the same order, with no map for the blob, no program to
// verify and nothing to look up. CO-RE stays the kernel's, since it is part of BPF_PROG_LOAD.
//
// Interpretation takes some nanoseconds an instruction, a thousandth of what
// the calls take.
package floor

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// machine runs a loader program on a blob.
type machine struct {
	insns []insn
	reg   [11]uint64
	find  func(name string, kind uint64) uint64
}

type insn struct {
	op       uint8
	dst, src uint8
	off      int64
	imm      int32
}

// decode reads little-endian instructions.
func decode(loader string) []insn {
	insns := make([]insn, 0, len(loader)/8)
	for b := []byte(loader); len(b) >= 8; b = b[8:] {
		insns = append(insns, insn{
			op: b[0], dst: b[1] & 15, src: b[1] >> 4,
			off: int64(int16(binary.LittleEndian.Uint16(b[2:]))), imm: int32(binary.LittleEndian.Uint32(b[4:])),
		})
	}
	return insns
}

// Opcodes that a loader uses (package loader, asm.go).
const (
	movImm, movReg             = 0xb7, 0xbf
	addImm, addReg, subReg     = 0x07, 0x0f, 0x1f
	mulImm, mulReg             = 0x27, 0x2f
	andImm, andReg             = 0x57, 0x5f
	orImm, orReg               = 0x47, 0x4f
	xorImm, xorReg             = 0xa7, 0xaf
	rshImm, arshImm, neg       = 0x77, 0xc7, 0x87
	ldImm64, ldx32, ldx64      = 0x18, 0x61, 0x79
	st8, st16, st32, st64      = 0x73, 0x6b, 0x63, 0x7b
	jeqImm, jneImm, call, exit = 0x15, 0x55, 0x85, 0x95
	sysBPF, btfFind, findKsyms = 166, 167, 179
)

// run runs the loader on a blob. Of one in parts it does that part.
func (m *machine) run(blob unsafe.Pointer, part int) error {
	context = uint32(part)
	r := &m.reg
	r[1] = uint64(uintptr(unsafe.Pointer(&context)))
	for pc := 0; pc < len(m.insns); pc++ {
		in := &m.insns[pc]
		switch in.op {
		case movImm:
			r[in.dst] = uint64(int64(in.imm))
		case movReg:
			r[in.dst] = r[in.src]
		case addImm:
			r[in.dst] += uint64(int64(in.imm))
		case addReg:
			r[in.dst] += r[in.src]
		case subReg:
			r[in.dst] -= r[in.src]
		case mulImm:
			r[in.dst] *= uint64(int64(in.imm))
		case mulReg:
			r[in.dst] *= r[in.src]
		case andImm:
			r[in.dst] &= uint64(int64(in.imm))
		case andReg:
			r[in.dst] &= r[in.src]
		case orImm:
			r[in.dst] |= uint64(int64(in.imm))
		case orReg:
			r[in.dst] |= r[in.src]
		case xorReg:
			r[in.dst] ^= r[in.src]
		case xorImm:
			r[in.dst] ^= uint64(int64(in.imm))
		case rshImm:
			r[in.dst] >>= uint(in.imm)
		case arshImm:
			r[in.dst] = uint64(int64(r[in.dst]) >> uint(in.imm))
		case neg:
			r[in.dst] = -r[in.dst]
		case ldImm64: // of the blob
			r[in.dst] = uint64(uintptr(blob))
			pc++
		case ldx32:
			r[in.dst] = uint64(*(*uint32)(at(r[in.src], in.off)))
		case ldx64:
			r[in.dst] = *(*uint64)(at(r[in.src], in.off))
		case st8:
			*(*uint8)(at(r[in.dst], in.off)) = uint8(r[in.src])
		case st16:
			*(*uint16)(at(r[in.dst], in.off)) = uint16(r[in.src])
		case st32:
			*(*uint32)(at(r[in.dst], in.off)) = uint32(r[in.src])
		case st64:
			*(*uint64)(at(r[in.dst], in.off)) = r[in.src]
		case jeqImm:
			if r[in.dst] == uint64(int64(in.imm)) {
				pc += int(in.off)
			}
		case jneImm:
			if r[in.dst] != uint64(int64(in.imm)) {
				pc += int(in.off)
			}
		case call:
			switch in.imm {
			case sysBPF:
				n, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(r[1]), uintptr(r[2]), uintptr(r[3]))
				if errno != 0 {
					return fmt.Errorf("bpf command %d: %w", r[1], errno)
				}
				r[0] = uint64(n)
			case btfFind:
				r[0] = m.find(cString(r[1]), r[3])
			case findKsyms:
				address := m.find(cString(r[1]), 0)
				*(*uint64)(at(r[4], 0)) = address
				r[0] = 0
			default:
				return fmt.Errorf("helper %d is not one of a loader's", in.imm)
			}
		case exit:
			return nil
		default:
			return fmt.Errorf("instruction %d: opcode %#x is not one of a loader's", pc, in.op)
		}
	}
	return nil
}

// context is a loader's. It does not move.
var context uint32

// at makes a pointer of a register. The blob is outside of Go's heap.
func at(base uint64, off int64) unsafe.Pointer {
	addr := uintptr(base + uint64(off))
	return *(*unsafe.Pointer)(unsafe.Pointer(&addr))
}

func cString(p uint64) string { return unix.BytePtrToString((*byte)(at(p, 0))) }
