package loader

import (
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// collectTargets lists the distinct kernel functions and types that programs attach to.
func (g *generator) collectTargets() {
	for _, p := range g.obj.Programs {
		if p.Target == nil {
			continue
		}
		if _, ok := g.targetIndex[*p.Target]; ok {
			continue
		}
		g.targetIndex[*p.Target] = int32(len(g.spec.Targets))
		g.spec.Targets = append(g.spec.Targets, spec.TargetSpec{
			Name:   p.Target.Name,
			Kind:   p.Target.Kind,
			Module: p.Target.Module,
		})
	}
}

// findTarget emits the look-up of a function or type that programs attach to.
func (g *generator) findTarget(i int) {
	t := &g.spec.Targets[i]
	g.say("find attach target %s", t.Name)
	g.findBTF(spec.Step{Kind: spec.StepFindTarget, Index: int32(i), Result: t.Slot}, t.Name, t.Kind)
}

// findExtern emits the look-up of an extern, once for all instructions that use it.
func (g *generator) findExtern(i int) {
	e := g.obj.Externs[i]
	step := spec.Step{Kind: spec.StepFindExtern, Index: int32(i), Result: g.spec.Externs[i].Slot}
	switch e.Kind {
	case object.Kfunc:
		g.say("find kfunc %s", e.Name)
		g.findBTF(step, e.KernelName, sys.BtfKindFunc)
		if slot, ok := g.addressSlots[i]; ok {
			g.say("  and its address, if a program cannot take it by BTF ID")
			g.findKfuncAddress(slot, e.KernelName)
		}
	case object.KsymVar:
		g.say("find ksym %s", e.Name)
		g.findBTF(step, e.Name, sys.BtfKindVar)
	case object.KsymAddr:
		g.say("find the address of %s", e.Name)
		g.findAddress(step, e.Name)
	}
}

// findBTF finds a type in the BTF of the kernel or of a module by name. The fd of a module's BTF is
// stored in a slot, and so is part of the fd_array.
//
//	*(u64 *)(slots + result) = bpf_btf_find_by_name_kind(name, size, kind, 0)
func (g *generator) findBTF(step spec.Step, name string, kind uint8) {
	g.seek(g.cstring(name))
	g.step(step, func() {
		g.mov(r1, cursor)
		g.movImm(r2, int32(len(name)+1))
		g.movImm(r3, int32(kind))
		g.movImm(r4, 0)
		g.call(btfFindByNameKind)
		g.store(opStx64, slots, off(step.Result), r0)
	})
}

// findAddress finds the address of a symbol.
//
//	*(u64 *)(slots + result) = bpf_kallsyms_lookup_name(name, size, 0, slots + result + 8)
func (g *generator) findAddress(step spec.Step, name string) {
	g.seek(g.cstring(name))
	g.step(step, func() {
		g.mov(r1, cursor)
		g.movImm(r2, int32(len(name)+1))
		g.movImm(r3, 0)
		g.mov(r4, slots)
		g.add(r4, int32(off(step.Result)+8))
		g.call(kallsymsLookupName)
		g.store(opStx64, slots, off(step.Result), r0)
	})
}

// addressedKfuncs returns the kfuncs that are used in an ld_imm64 rather than a call: a program
// takes their address, perhaps only to test whether a weak one exists.
func (g *generator) addressedKfuncs() map[int]bool {
	taken := make(map[int]bool)
	for _, p := range g.obj.Programs {
		for _, ref := range p.ExternRefs {
			if p.Insns[ref.Insn].Op == opLdImm64 && g.obj.Externs[ref.Extern].Kind == object.Kfunc {
				taken[ref.Extern] = true
			}
		}
	}
	return taken
}

// findKfuncAddress finds the address of the kfunc whose name is at the cursor, on kernels before
// Linux 6.4, where an ld_imm64 does not accept the BTF ID of a function (check_pseudo_btf_id in
// kernel/bpf/verifier.c). The runtime knows the kernel. On others it makes the flags, which must be
// 0, invalid, so that the call returns at once.
//
//	bpf_kallsyms_lookup_name(name, size, slots[no addresses], slots + address + 8)
func (g *generator) findKfuncAddress(address spec.Slot, name string) {
	g.mov(r1, cursor)
	g.movImm(r2, int32(len(name)+1))
	g.load(opLdx32, r3, slots, off(g.noAddresses))
	g.mov(r4, slots)
	g.add(r4, int32(off(address)+8))
	g.call(kallsymsLookupName)
}

// slotOfFD returns the index in the fd_array of the fd that findBTF stored at s, in the high half
// of 64 bits.
func (g *generator) slotOfFD(s spec.Slot) int32 {
	if isBigEndian(g.blob.bo) {
		return int32(s)
	}
	return int32(s) + 1
}
