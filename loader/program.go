package loader

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/plural"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// prepareLicense puts the license string into the blob.
//
//	r9 = license
func (g *generator) prepareLicense() {
	if len(g.obj.Programs) == 0 {
		return
	}
	g.say("r9 = license %q", g.obj.License)
	g.mov(license, slots)
	g.spec.License = g.cstring(g.obj.License)
	g.add(license, int32(g.spec.License))
}

// A progRecord is the record of a program: the attr, then the data that it points to.
type progRecord struct {
	attr                                 spec.BlobOff
	size                                 uintptr      // of the attr
	insns, funcInfo, lineInfo, coreRelos spec.BlobOff // 0 for none
	ownRelos                             int          // number of records that the loader does not resolve
}

// loadProgram emits the load of a program.
//
//	attr->insns = insns, and likewise func_info, line_info, core_relos
//	attr->license = r9
//	attr->fd_array = slots
//	attr->prog_btf_fd = r8
//	slots[program] = bpf_sys_bpf(BPF_PROG_LOAD, attr, size)
func (g *generator) loadProgram(i int, p *object.Program) {
	rec := g.programRecord(i, p)
	planned := &g.spec.Programs[i]
	*planned = spec.ProgramSpec{
		Name: p.Name, Section: p.Section, Slot: planned.Slot, Attr: rec.attr,
		Type: p.Type, AttachType: p.ExpectedAttachType, Flags: p.Flags,
		Insns: uint32(len(p.Insns)), AutoLoad: p.AutoLoad, CORERelos: rec.coreRelos, OwnRelos: uint32(rec.ownRelos),
		AttachTo: p.AttachTo, Target: -1,
	}
	if p.Target != nil {
		planned.Target = g.targetIndex[*p.Target]
	}

	g.say("load program %s, %s", p.Name, plural.Of(len(p.Insns), "instruction", "instructions"))
	g.seek(rec.attr)
	g.step(spec.Step{Kind: spec.StepLoadProgram, Index: int32(i), Result: planned.Slot, Attr: rec.attr}, func() {
		var attr sys.ProgLoadAttr
		ptrs := []pointer{{unsafe.Offsetof(attr.Insns), rec.insns}}
		for _, p := range []pointer{
			{unsafe.Offsetof(attr.FuncInfo), rec.funcInfo},
			{unsafe.Offsetof(attr.LineInfo), rec.lineInfo},
			{unsafe.Offsetof(attr.CoreRelos), rec.coreRelos},
		} {
			if p.to != 0 {
				ptrs = append(ptrs, p)
			}
		}
		g.pointTo(ptrs...)
		g.store(opStx64, cursor, int(unsafe.Offsetof(attr.License)), license)
		if rec.size > unsafe.Offsetof(attr.FdArray) {
			g.store(opStx64, cursor, int(unsafe.Offsetof(attr.FdArray)), slots)
		}
		if rec.funcInfo != 0 || rec.coreRelos != 0 {
			g.store(opStx32, cursor, int(unsafe.Offsetof(attr.ProgBtfFd)), btfFD)
		}
		g.logProgram(i)
		if planned.Target >= 0 {
			g.setTarget(g.spec.Targets[planned.Target].Slot)
		}
		g.patchExterns(i, p, int(rec.insns-rec.attr))
		g.syscall(sys.CmdProgLoad, rec.size, planned.Slot)
	})
}

// programRecord lays a program's attr and data out in the blob.
func (g *generator) programRecord(i int, p *object.Program) progRecord {
	lines := p.LineInfos
	if g.opts.StripLineInfo {
		lines = nil
	}
	attr := sys.ProgLoadAttr{
		ProgType:           p.Type,
		InsnCnt:            uint32(len(p.Insns)),
		ProgFlags:          p.Flags,
		ExpectedAttachType: p.ExpectedAttachType,
	}
	if !p.AutoLoad {
		// The kernel refuses a program without instructions at once (E2BIG in bpf_prog_load), and
		// the runtime ignores that.
		attr.InsnCnt = 0
	}
	copy(attr.ProgName[:len(attr.ProgName)-1], p.KernelName)
	size := unsafe.Offsetof(attr.ExpectedAttachType) + 4
	grow := func(end uintptr) { size = max(size, end) }
	if len(p.FuncInfos) > 0 {
		attr.FuncInfoRecSize = uint32(unsafe.Sizeof(sys.FuncInfo{}))
		attr.FuncInfoCnt = uint32(len(p.FuncInfos))
		grow(unsafe.Offsetof(attr.FuncInfoCnt) + 4)
	}
	if len(lines) > 0 {
		attr.LineInfoRecSize = uint32(unsafe.Sizeof(sys.LineInfo{}))
		attr.LineInfoCnt = uint32(len(lines))
		grow(unsafe.Offsetof(attr.LineInfoCnt) + 4)
	}
	if p.Target != nil || p.Type == sys.ProgTypeStructOps || spec.NeedsTarget(p.Type, p.ExpectedAttachType) {
		grow(unsafe.Offsetof(attr.AttachBtfObjFd) + 4)
	}
	if usesFDArray(p) {
		grow(unsafe.Offsetof(attr.FdArray) + 8)
	}
	if len(p.CORERelos) > 0 {
		attr.CoreReloRecSize = uint32(unsafe.Sizeof(sys.CoreRelo{}))
		attr.CoreReloCnt = uint32(len(p.CORERelos))
		grow(unsafe.Offsetof(attr.CoreReloRecSize) + 4)
	}

	rec := progRecord{attr: g.attr(attr, size), size: size}
	insns := make([]sys.Insn, len(p.Insns))
	for i, in := range p.Insns {
		insns[i] = sys.Insn{Code: in.Op, Regs: regs(g.blob.bo, reg(in.Dst), reg(in.Src)), Off: in.Off, Imm: in.Imm}
	}
	rec.insns = g.record(insns)
	for _, c := range p.Constants {
		g.constants = append(g.constants, spec.Constant{Name: c.Name, At: rec.insns + spec.BlobOff(object.InsnSize*c.Insn)})
	}
	if len(p.FuncInfos) > 0 {
		infos := make([]sys.FuncInfo, len(p.FuncInfos))
		for i, f := range p.FuncInfos {
			infos[i] = sys.FuncInfo{InsnOff: f.Insn, TypeId: uint32(f.Type)}
		}
		rec.funcInfo = g.record(infos)
	}
	if len(lines) > 0 {
		infos := make([]sys.LineInfo, len(lines))
		for i, l := range lines {
			infos[i] = sys.LineInfo{InsnOff: l.Insn, FileNameOff: l.FileName, LineOff: l.Line, LineCol: l.LineCol}
		}
		rec.lineInfo = g.record(infos)
	}
	if len(p.CORERelos) > 0 {
		relos, own := g.coreRelos(i, p)
		rec.coreRelos, rec.ownRelos = g.record(relos), own
		g.addSites(p, rec.insns)
	}
	return rec
}

// usesFDArray reports whether a program refers to maps by index, or may refer to a module's BTF.
func usesFDArray(p *object.Program) bool {
	if len(p.ExternRefs) > 0 {
		return true
	}
	for i := 0; i < len(p.Insns); i++ {
		in := p.Insns[i]
		if in.Op != opLdImm64 {
			continue
		}
		if in.Src == sys.PseudoMapIdx || in.Src == sys.PseudoMapIdxValue {
			return true
		}
		i++
	}
	return false
}

// setTarget sets the attach target of a program.
//
//	attr->attach_btf_id = (u32)target
//	attr->attach_btf_obj_fd = target >> 32
func (g *generator) setTarget(target spec.Slot) {
	var attr sys.ProgLoadAttr
	g.load(opLdx64, r1, slots, off(target))
	g.store(opStx32, cursor, int(unsafe.Offsetof(attr.AttachBtfId)), r1)
	g.alu(opRshImm, r1, 32)
	g.store(opStx32, cursor, int(unsafe.Offsetof(attr.AttachBtfObjFd)), r1)
}
