package load

import (
	"encoding/binary"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Longer extends the attr of a step beyond its size in the blob, for example to add a token's file
// descriptor, which is at the end of three attrs. It needs [UseRoom].
type Longer struct {
	_ incomparable

	Step   int    // index in Spec.Steps of a step that has an attr
	Fields string // bytes appended to the attr
}

// Room extends attrs.
type Room struct {
	extra func(*Request) uint32
	make  func(e *engine, loader string) string
}

// UseRoom returns the code for requests that extend attrs.
func UseRoom() Room { return Room{(*Request).extra, (*engine).makeRoom} }

// roomFor returns how much room an extended attr takes.
func (r *Request) roomFor(l *Longer) uint32 {
	return (r.attrSize(l.Step) + uint32(len(l.Fields)) + 7) &^ 7
}

// extra returns how many bytes the blob's map needs after the blob.
func (r *Request) extra() (n uint32) {
	for i := range *r.Longer {
		n += r.roomFor(&(*r.Longer)[i])
	}
	return n + uint32(-len(r.Spec.Blob)&7)
}

// attrSize returns the size of a step's attr, which the loader has in R3 when it makes the system
// call.
func (r *Request) attrSize(step int) uint32 {
	call := r.callOf(step)
	for i := call; i >= int(r.Spec.Steps[step].Start); i-- {
		if insn := insnAt(r.Spec.Loader, i); insn.Code == sys.OpMovImm && insn.Regs == regs(3, 0) {
			return uint32(insn.Imm)
		}
	}
	return 0
}

// callOf returns the index of the instruction with which a step makes its system call.
func (r *Request) callOf(step int) int {
	s := &r.Spec.Steps[step]
	for i := int(s.End) - 1; i >= int(s.Start); i-- {
		if insn := insnAt(r.Spec.Loader, i); insn.Code == sys.OpCall && insn.Imm == sys.FuncSysBPF {
			return i
		}
	}
	return -1
}

// makeRoom returns a loader that copies attrs to a place with room after them. In each step, the
// call of bpf_sys_bpf, whose arguments are command, attr and size, becomes a call of an appended
// function:
//
//	r6 = r2
//	r6 += distance          ; to the room in the blob's map
//	r4 = *(u64 *)(r2 +0)    ; and so on, all of the attr
//	*(u64 *)(r6 +0) = r4
//	r2 = r6
//	r3 = longer size
//	call bpf_sys_bpf
//	exit
func (e *engine) makeRoom(loader string) string {
	insns := []byte(loader)
	at := uint32(len(e.spec.Blob)+7) &^ 7
	longer := *e.req.Longer
	lines := make([]sys.LineInfo, 1, 1+len(longer))
	e.lines = &lines
	for i := range longer {
		l := &longer[i]
		call, size := e.req.callOf(l.Step), e.req.attrSize(l.Step)
		if insnAt(loader, call).Code != sys.OpCall {
			continue // the step does nothing in this loader
		}
		attr := uint32(e.spec.Steps[l.Step].Attr)
		copy(e.blob.mem[at+size:], l.Fields)

		put(insns[8*call:], sys.Insn{Code: sys.OpCall, Regs: regs(0, pseudoCall), Imm: int32(len(insns)/8 - call - 1)})
		lines = append(lines, sys.LineInfo{InsnOff: uint32(len(insns) / 8)})
		emit := func(code uint8, dst, src uint8, off int16, imm int32) {
			insns = append(insns, make([]byte, 8)...)
			put(insns[len(insns)-8:], sys.Insn{Code: code, Regs: regs(dst, src), Off: off, Imm: imm})
		}
		emit(sys.OpMovReg, 6, 2, 0, 0)
		emit(sys.OpAddImm, 6, 0, 0, int32(at-attr))
		for off := uint32(0); off < size; off += 8 {
			load, store := uint8(sys.OpLdx64), uint8(sys.OpStx64)
			if size-off < 8 {
				load, store = sys.OpLdx32, sys.OpStx32
			}
			emit(load, 4, 2, int16(off), 0)
			emit(store, 6, 4, int16(off), 0)
		}
		emit(sys.OpMovReg, 2, 6, 0, 0)
		emit(sys.OpMovImm, 3, 0, 0, int32(size)+int32(len(l.Fields)))
		emit(sys.OpCall, 0, 0, 0, sys.FuncSysBPF)
		emit(sys.OpExit, 0, 0, 0, 0)
		at += e.req.roomFor(l)
	}
	return unsafe.String(unsafe.SliceData(insns), len(insns))
}

// pseudoCall is BPF_PSEUDO_CALL.
const pseudoCall = 1

func insnAt(loader string, i int) sys.Insn {
	var insn sys.Insn
	if i >= 0 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&insn)), unsafe.Sizeof(insn)), loader[8*i:])
	}
	return insn
}

func put(to []byte, insn sys.Insn) {
	copy(to, unsafe.Slice((*byte)(unsafe.Pointer(&insn)), unsafe.Sizeof(insn)))
}

// regs returns the byte that holds dst_reg and src_reg, two bit-fields whose order depends on the
// machine's byte order.
func regs(dst, src uint8) uint8 {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return src<<4 | dst
	}
	return dst<<4 | src
}
