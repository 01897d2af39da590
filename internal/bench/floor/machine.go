// Package floor measures the least that a load can take: the bpf calls that an object needs, made
// directly, with everything resolved beforehand. It gets the calls by interpreting the loader
// program in user space: the same attrs in the same order, but without a map for the blob, a
// program to verify, or anything to look up. CO-RE is left to the kernel, as a part of
// BPF_PROG_LOAD.
//
// Interpretation takes a few nanoseconds per instruction, a thousandth of the time of the calls.
package floor

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// machine interprets a loader program.
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

// run runs the loader on a blob. If the loader has several parts, it runs the given one.
func (m *machine) run(blob unsafe.Pointer, part int) error {
	context = uint32(part)
	r := &m.reg
	r[1] = sys.Addr(unsafe.Pointer(&context))
	for pc := 0; pc < len(m.insns); pc++ {
		in := &m.insns[pc]
		switch in.op {
		case sys.OpMovImm:
			r[in.dst] = uint64(int64(in.imm))
		case sys.OpMovReg:
			r[in.dst] = r[in.src]
		case sys.OpAddImm:
			r[in.dst] += uint64(int64(in.imm))
		case sys.OpAddReg:
			r[in.dst] += r[in.src]
		case sys.OpSubReg:
			r[in.dst] -= r[in.src]
		case sys.OpMulImm:
			r[in.dst] *= uint64(int64(in.imm))
		case sys.OpMulReg:
			r[in.dst] *= r[in.src]
		case sys.OpAndImm:
			r[in.dst] &= uint64(int64(in.imm))
		case sys.OpAndReg:
			r[in.dst] &= r[in.src]
		case sys.OpOrImm:
			r[in.dst] |= uint64(int64(in.imm))
		case sys.OpOrReg:
			r[in.dst] |= r[in.src]
		case sys.OpXorReg:
			r[in.dst] ^= r[in.src]
		case sys.OpXorImm:
			r[in.dst] ^= uint64(int64(in.imm))
		case sys.OpRshImm:
			r[in.dst] >>= uint(in.imm)
		case sys.OpArshImm:
			r[in.dst] = uint64(int64(r[in.dst]) >> uint(in.imm))
		case sys.OpNeg:
			r[in.dst] = -r[in.dst]
		case sys.OpLdImm64: // an address in the blob
			r[in.dst] = uint64(uintptr(blob))
			pc++
		case sys.OpLdx32:
			r[in.dst] = uint64(*(*uint32)(at(r[in.src], in.off)))
		case sys.OpLdx64:
			r[in.dst] = *(*uint64)(at(r[in.src], in.off))
		case sys.OpStx8:
			*(*uint8)(at(r[in.dst], in.off)) = uint8(r[in.src])
		case sys.OpStx16:
			*(*uint16)(at(r[in.dst], in.off)) = uint16(r[in.src])
		case sys.OpStx32:
			*(*uint32)(at(r[in.dst], in.off)) = uint32(r[in.src])
		case sys.OpStx64:
			*(*uint64)(at(r[in.dst], in.off)) = r[in.src]
		case sys.OpJeqImm:
			if r[in.dst] == uint64(int64(in.imm)) {
				pc += int(in.off)
			}
		case sys.OpJneImm:
			if r[in.dst] != uint64(int64(in.imm)) {
				pc += int(in.off)
			}
		case sys.OpCall:
			switch in.imm {
			case sys.FuncSysBPF:
				n, errno := sys.BPF(sys.Cmd(r[1]), at(r[2], 0), uintptr(r[3]))
				if errno != 0 {
					return fmt.Errorf("bpf command %d: %w", r[1], errno)
				}
				r[0] = uint64(n)
			case sys.FuncBtfFindByNameKind:
				r[0] = m.find(cString(r[1]), r[3])
			case sys.FuncKallsymsLookupName:
				address := m.find(cString(r[1]), 0)
				*(*uint64)(at(r[4], 0)) = address
				r[0] = 0
			default:
				return fmt.Errorf("unexpected helper %d in a loader", in.imm)
			}
		case sys.OpExit:
			return nil
		default:
			return fmt.Errorf("instruction %d: unexpected opcode %#x in a loader", pc, in.op)
		}
	}
	return nil
}

// context is the loader's context. It must not move.
var context uint32

// at converts a register to a pointer. The blob is outside of Go's heap.
func at(base uint64, off int64) unsafe.Pointer {
	addr := uintptr(base + uint64(off))
	return *(*unsafe.Pointer)(unsafe.Pointer(&addr))
}

func cString(p uint64) string { return unix.BytePtrToString((*byte)(at(p, 0))) }
