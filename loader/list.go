package loader

import (
	"fmt"
	"io"
	"math"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/plural"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// List prints the sizes, the slots, the steps and the commented instructions of an object's loader.
func List(w io.Writer, obj *object.Object, opts Options) error {
	g, err := generate(obj, opts)
	if err != nil {
		return err
	}
	p := &printer{w: w}
	planned := g.spec
	p.printf("object %s: %s, %s, %s, %s\n", planned.Name,
		plural.Of(len(planned.Maps), "map", "maps"), plural.Of(len(planned.Programs), "program", "programs"),
		plural.Of(len(planned.Targets), "attach target", "attach targets"), plural.Of(len(planned.Externs), "extern", "externs"))
	p.printf("loader: %d instructions, %s; blob: %d bytes, %s\n", // never 1 of either
		len(g.insns), plural.Of(len(planned.Steps), "step", "steps"), len(planned.Blob), plural.Of(int(planned.Slots), "slot", "slots"))

	p.printf("\nslots\n")
	g.listSlots(p)
	if err := listKconfig(p, planned.Kconfig); err != nil {
		return err
	}
	if err := listStructOps(p, planned); err != nil {
		return err
	}
	p.printf("\nsteps\n")
	for i, s := range planned.Steps {
		by := "by the runtime"
		if s.Start < s.End {
			by = fmt.Sprintf("insns %d-%d", s.Start, s.End-1)
		}
		p.printf("%5d  %-40s slot %-5d attr %-8d %s\n", i, planned.StepName(s), s.Result, s.Attr, by)
	}
	p.printf("\nloader\n")
	g.listInsns(p)
	return p.err
}

func (g *generator) listSlots(p *printer) {
	planned := g.spec
	for _, m := range planned.Maps {
		p.printf("%5d  map %s\n", m.Slot, m.Name)
	}
	for _, prog := range planned.Programs {
		p.printf("%5d  program %s\n", prog.Slot, prog.Name)
	}
	if planned.BTF.Attr != 0 {
		p.printf("%5d  BTF\n", planned.BTF.Slot)
	}
	for _, s := range planned.Steps {
		switch s.Kind {
		case spec.StepCreateInner, spec.StepFillMap, spec.StepFreezeMap, spec.StepSetSlot:
			p.printf("%5d  %s\n", s.Result, planned.StepName(s))
		}
	}
	for _, t := range planned.Targets {
		p.printf("%5d  attach target %s: BTF ID and fd\n", t.Slot, t.Name)
	}
	for _, e := range planned.Externs {
		p.printf("%5d  extern %s, used %s\n", e.Slot, e.Name, plural.Of(int(e.Uses), "time", "times"))
	}
}

// listKconfig lists the __kconfig variables by their offset in the map.
func listKconfig(p *printer, text string) error {
	vars, err := spec.ParseKconfig(text, math.MaxInt32)
	if err != nil || len(vars) == 0 {
		return err
	}
	p.printf("\n__kconfig variables\n")
	for i := range vars {
		weak := ""
		if vars[i].Weak {
			weak = ", weak"
		}
		p.printf("%5d  %s: %s%s\n", vars[i].Offset, vars[i].Name, vars[i].CType(), weak)
	}
	return nil
}

// listStructOps lists the structs of operations, with the members by their places in the object's
// struct.
func listStructOps(p *printer, planned *spec.Spec) error {
	list, err := spec.ReadStructOps(planned)
	if err != nil || len(list) == 0 {
		return err
	}
	p.printf("\nstructs of operations\n")
	for i := range list {
		ops := &list[i]
		p.printf("       struct %s %s, in %s\n", ops.Type, planned.Maps[ops.Map].Name, ops.Section)
		for j := range ops.Members {
			m := &ops.Members[j]
			what := plural.Of(int(m.Size), "byte", "bytes")
			switch {
			case m.Program >= 0:
				what = "program " + planned.Programs[m.Program].Name
			case m.IsPointer():
				what = "NULL"
			}
			p.printf("%5d  %s: %s\n", m.Offset, m.Name, what)
		}
	}
	return nil
}

func (g *generator) listInsns(p *printer) {
	for i := 0; i < len(g.insns); i++ {
		if c, ok := g.comments[i]; ok {
			p.printf("       ; %s\n", c)
		}
		p.printf("%5d  %s\n", i, g.insns[i])
		if g.insns[i].op == opLdImm64 {
			i++
		}
	}
}

var (
	aluNames = map[uint8]string{
		opMovImm: "=", opAddImm: "+=", opMulImm: "*=", opOrImm: "|=", opXorImm: "^=", opRshImm: ">>=",
	}
	aluRegNames = map[uint8]string{
		opMovReg: "=", opAddReg: "+=", opSubReg: "-=", opMulReg: "*=", opOrReg: "|=", opXorReg: "^=",
	}
)

// String returns the instruction in the notation of the kernel's verifier.
func (i insn) String() string {
	alu := func(op string) string { return fmt.Sprintf("r%d %s %d", i.dst, op, i.imm) }
	ldx := func(size int) string { return fmt.Sprintf("r%d = *(u%d *)(r%d %+d)", i.dst, size, i.src, i.off) }
	stx := func(size int) string { return fmt.Sprintf("*(u%d *)(r%d %+d) = r%d", size, i.dst, i.off, i.src) }
	if op, ok := aluNames[i.op]; ok {
		return alu(op)
	}
	if op, ok := aluRegNames[i.op]; ok {
		return fmt.Sprintf("r%d %s r%d", i.dst, op, i.src)
	}
	switch i.op {
	case opMov32Imm:
		return fmt.Sprintf("w%d = %d", i.dst, i.imm)
	case opMov32Reg:
		return fmt.Sprintf("w%d = w%d", i.dst, i.src)
	case opAnd32Imm:
		return fmt.Sprintf("w%d &= %d", i.dst, i.imm)
	case opNeg:
		return fmt.Sprintf("r%d = -r%d", i.dst, i.dst)
	case opLdImm64:
		return fmt.Sprintf("r%d = blob", i.dst)
	case opLdx32:
		return ldx(32)
	case opLdx64:
		return ldx(64)
	case opStx8:
		return stx(8)
	case opStx16:
		return stx(16)
	case opStx32:
		return stx(32)
	case opStx64:
		return stx(64)
	case opCall:
		return "call " + helperNames[helper(i.imm)]
	case opJneImm:
		return fmt.Sprintf("if r%d != %d goto %+d", i.dst, i.imm, i.off)
	case opJgtImm:
		return fmt.Sprintf("if r%d > %d goto %+d", i.dst, i.imm, i.off)
	case opJeqImm:
		return fmt.Sprintf("if r%d == %d goto %+d", i.dst, i.imm, i.off)
	case opExit:
		return "exit"
	}
	return fmt.Sprintf("(%#x) dst=r%d src=r%d off=%d imm=%d", i.op, i.dst, i.src, i.off, i.imm)
}

// A printer stops writing at the first error, and keeps it.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
