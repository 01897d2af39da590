package loader

import (
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

const (
	// Offsets of an instruction's fields in bytes. For the second half of an ld_imm64, add 8.
	insnRegs = 1
	insnOff  = 2
	insnImm  = 4
	nextImm  = 12
)

// patchExterns writes the values of externs into the program's instructions, which begin insns
// bytes after the cursor.
func (g *generator) patchExterns(program int, p *object.Program, insns int) {
	var order []int
	calls := make(map[int][]int)  // by extern: offsets from the cursor of its calls
	values := make(map[int][]int) // and of its ld_imm64s
	for _, ref := range p.ExternRefs {
		if calls[ref.Extern] == nil && values[ref.Extern] == nil {
			order = append(order, ref.Extern)
		}
		at := insns + 8*ref.Insn
		if p.Insns[ref.Insn].Op == opCall {
			calls[ref.Extern] = append(calls[ref.Extern], at)
		} else {
			values[ref.Extern] = append(values[ref.Extern], at)
		}
	}
	dst := func(at int) int32 { return int32(p.Insns[(at-insns)/8].Dst) }
	for _, i := range order {
		e, planned := g.obj.Externs[i], &g.spec.Externs[i]
		planned.Programs = append(planned.Programs, int32(program))
		planned.Uses += int32(len(calls[i]) + len(values[i]))
		g.say("  patch %s", e.Name)
		if e.Kind == object.KsymAddr {
			g.patchAddress(planned.Slot, values[i])
			continue
		}
		g.loadFound(planned.Slot, e.Weak)
		if address, ok := g.addressSlots[i]; ok && len(values[i]) > 0 {
			g.patchKfuncAddress(values[i], address, e.Weak, dst)
		} else {
			g.patchValues(values[i], e.Weak, dst)
		}
		g.patchCalls(calls[i], planned.Slot)
	}
}

// loadFound loads the BTF ID and fd of an extern. They are 0 for a weak symbol that was not found.
//
// Conditions are 0 or 1, computed by a logical shift, and are applied by multiplication. If a
// register can be 0 or -1, as after an arithmetic shift, each & makes the verifier follow both
// values (maybe_fork_scalars in kernel/bpf/verifier.c, in stable kernels of 2026).
//
//	r0 = *(u64 *)(slots + extern)
//	r2 = r0 >> 63 ^ 1; r0 *= r2        if weak
func (g *generator) loadFound(extern spec.Slot, weak bool) {
	g.load(opLdx64, r0, slots, off(extern))
	if weak {
		g.mov(r2, r0)
		g.alu(opRshImm, r2, 63)
		g.alu(opXorImm, r2, 1)
		g.op(opMulReg, r0, r2)
	}
}

// patchValues patches ld_imm64s with a BTF ID. A weak symbol that was not found becomes a plain 0
// without BPF_PSEUDO_BTF_ID.
//
//	insn[0].imm = (u32)r0
//	insn[1].imm = r0 >> 32
//	insn[0].regs = dst | r2 * BPF_PSEUDO_BTF_ID        if weak
func (g *generator) patchValues(at []int, weak bool, dst func(at int) int32) {
	if len(at) == 0 {
		return
	}
	for _, at := range at {
		g.store(opStx32, cursor, at+insnImm, r0)
	}
	g.mov(r1, r0)
	g.alu(opRshImm, r1, 32)
	for _, at := range at {
		g.store(opStx32, cursor, at+nextImm, r1)
	}
	if !weak {
		return
	}
	g.patchPseudo(at, r2, dst)
}

// patchPseudo makes ld_imm64s BPF_PSEUDO_BTF_ID if yes is 1, and plain if it is 0.
//
//	insn[0].regs = dst | yes * BPF_PSEUDO_BTF_ID
func (g *generator) patchPseudo(at []int, yes reg, dst func(at int) int32) {
	g.alu(opMulImm, yes, int32(regs(g.blob.bo, 0, sys.PseudoBtfID)))
	for _, at := range at {
		g.mov(r1, yes)
		g.alu(opOrImm, r1, int32(regs(g.blob.bo, reg(dst(at)), 0)))
		g.store(opStx8, cursor, at+insnRegs, r1)
	}
}

// patchKfuncAddress patches ld_imm64s with the BTF ID of a kfunc, which the kernel replaces by its
// address, or with the address itself if that was looked up.
//
//	r3 = address; r4 = (r3 | -r3) >> 63
//	insn.imm64 = r0 + (r3 - r0) * r4
//	insn[0].regs = dst | (r4 ^ 1) * BPF_PSEUDO_BTF_ID        and * r2 if weak
func (g *generator) patchKfuncAddress(at []int, address spec.Slot, weak bool, dst func(at int) int32) {
	g.load(opLdx64, r3, slots, off(address)+8)
	g.mov(r4, r3)
	g.emit(insn{op: opNeg, dst: r4})
	g.op(opOrReg, r4, r3)
	g.alu(opRshImm, r4, 63)
	g.op(opSubReg, r3, r0)
	g.op(opMulReg, r3, r4)
	g.op(opAddReg, r3, r0)
	for _, at := range at {
		g.store(opStx32, cursor, at+insnImm, r3)
	}
	g.alu(opRshImm, r3, 32)
	for _, at := range at {
		g.store(opStx32, cursor, at+nextImm, r3)
	}
	g.alu(opXorImm, r4, 1)
	if weak {
		g.op(opMulReg, r4, r2)
	}
	g.patchPseudo(at, r4, dst)
}

// patchCalls patches calls of a kfunc with its BTF ID and the index of its module's BTF in the
// fd_array, which is 0 for vmlinux.
//
//	insn.imm = (u32)r0
//	insn.off = -(r0 >> 32) >> 63 * slot
func (g *generator) patchCalls(at []int, extern spec.Slot) {
	if len(at) == 0 {
		return
	}
	for _, at := range at {
		g.store(opStx32, cursor, at+insnImm, r0)
	}
	g.alu(opRshImm, r0, 32)
	g.emit(insn{op: opNeg, dst: r0})
	g.alu(opRshImm, r0, 63)
	g.alu(opMulImm, r0, g.slotOfFD(extern))
	for _, at := range at {
		g.store(opStx16, cursor, at+insnOff, r0)
	}
}

// patchAddress patches ld_imm64s with the address of a symbol, or 0 if it was not found.
//
//	insn[0].imm = (u32)address
//	insn[1].imm = address >> 32
func (g *generator) patchAddress(extern spec.Slot, at []int) {
	g.load(opLdx64, r0, slots, off(extern)+8)
	for _, at := range at {
		g.store(opStx32, cursor, at+insnImm, r0)
	}
	g.alu(opRshImm, r0, 32)
	for _, at := range at {
		g.store(opStx32, cursor, at+nextImm, r0)
	}
}
