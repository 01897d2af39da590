package object

import (
	"errors"
	"math"
	"strings"
	"unicode"
	"unsafe"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// maxLinked bounds the size of all linked programs together, in bytes of Program's fields. Each
// program has its own copy of all functions that it calls, so the size of the file is not a bound.
// The kernel accepts a million instructions per program.
const maxLinked = 128 << 20

// A linker assembles programs from functions.
type linker struct {
	*reader
	budget  int
	indices map[externKey]int // of Object.Externs
}

// externKey identifies an extern.
type externKey struct {
	name string
	kind ExternKind
}

// A layout lists the functions of a program.
type layout struct {
	parts []part
	at    map[*function]int // index of each function's first instruction
	insns int               // in all parts
}

// A part is a function with the .BTF.ext records of its instructions.
type part struct {
	fn    *function
	funcs []FuncInfo
	lines []LineInfo
	relos []CORERelo
}

// link fills in the program that starts at entry.
func (l *linker) link(p *Program, entry *function) error {
	lay := &layout{at: make(map[*function]int)}
	if err := l.place(lay, entry); err != nil {
		return err
	}
	callback, err := l.exceptionCallback(p.Name)
	if err != nil {
		return err
	}
	if _, placed := lay.at[callback]; callback != nil && !placed {
		if err := l.place(lay, callback); err != nil {
			return err
		}
	}
	if err := l.spend(lay); err != nil {
		return badSymbol(entry.sec.name, entry.name, "%w", err)
	}
	p.Insns = make([]Insn, 0, lay.insns)
	for _, part := range lay.parts {
		p.Insns = append(p.Insns, part.fn.insns...)
	}
	for _, part := range lay.parts {
		for _, ref := range l.referencesOf(part.fn) {
			l.patch(p, lay, lay.at[part.fn]+ref.insn-part.fn.start, &ref)
		}
	}
	if err := l.addInfo(p, lay); err != nil {
		return err
	}
	return l.checkProgram(p, lay)
}

// place appends a function to the program, and then, recursively, each function that it calls and
// that is not placed yet, in the order of the calls, as libbpf's bpf_object__reloc_code does.
func (l *linker) place(lay *layout, fn *function) error {
	if lay.insns+len(fn.insns) > maxLinked/InsnSize {
		return badSymbol(fn.sec.name, fn.name, "%w", errTooLarge)
	}
	lay.at[fn] = lay.insns
	lay.insns += len(fn.insns)
	lay.parts = append(lay.parts, l.part(fn))
	for _, ref := range l.referencesOf(fn) {
		if ref.kind == refUndefined {
			return ref.err
		}
		if ref.kind != refFunction {
			continue
		}
		if ref.fn == lay.parts[0].fn {
			return badSymbol(fn.sec.name, fn.name, "instruction %d: calls %s, the program itself",
				ref.insn-fn.start, clean(ref.fn.name))
		}
		if _, placed := lay.at[ref.fn]; !placed {
			if err := l.place(lay, ref.fn); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *linker) part(fn *function) part {
	info := l.ext[fn.sec.index]
	if info == nil {
		return part{fn: fn}
	}
	begin, end := uint32(fn.start), uint32(fn.end())
	return part{
		fn:    fn,
		funcs: within(info.funcs, func(i *FuncInfo) uint32 { return i.Insn }, begin, end),
		lines: within(info.lines, func(i *LineInfo) uint32 { return i.Insn }, begin, end),
		relos: within(info.relos, func(i *CORERelo) uint32 { return i.Insn }, begin, end),
	}
}

var errTooLarge = errors.New("the program and the functions it calls are too large")

// spend deducts the program's size from the budget of all programs.
func (l *linker) spend(lay *layout) error {
	l.budget -= lay.insns * int(unsafe.Sizeof(Insn{}))
	for _, part := range lay.parts {
		l.budget -= len(part.funcs) * int(unsafe.Sizeof(FuncInfo{}))
		l.budget -= len(part.lines) * int(unsafe.Sizeof(LineInfo{}))
		l.budget -= len(part.relos) * int(unsafe.Sizeof(CORERelo{}))
		l.budget -= len(l.referencesOf(part.fn)) * int(unsafe.Sizeof(ExternRef{}))
	}
	if l.budget < 0 {
		return errTooLarge
	}
	return nil
}

// patch makes an instruction refer to a function, a map or an extern, in the form that libbpf's
// bpf_object__relocate_data produces for gen_loader.
func (l *linker) patch(p *Program, lay *layout, at int, ref *reference) {
	in := &p.Insns[at]
	switch ref.kind {
	case refFunction:
		in.Imm = int32(lay.at[ref.fn] - at - 1)
		if in.IsLdImm64() {
			in.Src = sys.PseudoFunc
		}
	case refMap:
		in.Src, in.Imm = sys.PseudoMapIdx, int32(ref.m)
	case refData:
		in.Src, in.Imm = sys.PseudoMapIdxValue, int32(ref.m)
		p.Insns[at+1].Imm = ref.off
	case refExtern:
		l.patchExtern(p, at, ref.ext)
	case refConstant: // cilium/ebpf leaves these to Go code that rewrites instructions
		l.warn("%s: undefined constant in assembly: it is 0 unless runtime.SetConstant sets it before Load", clean(ref.name))
		if !strings.ContainsFunc(ref.name, unicode.IsSpace) {
			p.Constants = append(p.Constants, ConstantRef{Insn: at, Name: ref.name})
		}
	}
}

func (l *linker) patchExtern(p *Program, at int, ext *externSym) {
	in := &p.Insns[at]
	if ext.kind == 0 { // kconfig: in the last map
		in.Src, in.Imm = sys.PseudoMapIdxValue, int32(len(l.obj.Maps)-1)
		p.Insns[at+1].Imm = int32(ext.off)
		return
	}
	switch {
	case in.IsCall():
		in.Src, in.Off = sys.PseudoKfuncCall, 0
	case ext.kind == KsymAddr:
		in.Src = 0
	default:
		in.Src = sys.PseudoBtfID
	}
	in.Imm = 0
	if in.IsLdImm64() {
		p.Insns[at+1].Imm = 0
	}
	key := externKey{ext.sym.name, ext.kind}
	index, ok := l.indices[key]
	if !ok {
		index = len(l.obj.Externs)
		l.indices[key] = index
		l.obj.Externs = append(l.obj.Externs, ext.public())
	}
	p.ExternRefs = append(p.ExternRefs, ExternRef{Insn: at, Extern: index})
}

// addInfo fills in the program's func info, line info and CO-RE relocations. As in libbpf's
// reloc_prog_func_and_line_info, a program has func or line info only if its entry function does,
// and then all subprograms must have it.
func (l *linker) addInfo(p *Program, lay *layout) error {
	var funcs, lines, relos int
	for _, part := range lay.parts {
		if len(lay.parts[0].funcs) > 0 && len(part.funcs) == 0 {
			return badSymbol(part.fn.sec.name, part.fn.name, "no func info in %s", extSection)
		}
		if len(lay.parts[0].lines) > 0 && len(part.lines) == 0 {
			return badSymbol(part.fn.sec.name, part.fn.name, "no line info in %s", extSection)
		}
		funcs, lines, relos = funcs+len(part.funcs), lines+len(part.lines), relos+len(part.relos)
	}
	p.FuncInfos = make([]FuncInfo, 0, funcs)
	p.LineInfos = make([]LineInfo, 0, lines)
	p.CORERelos = make([]CORERelo, 0, relos)
	for _, part := range lay.parts {
		move := uint32(lay.at[part.fn] - part.fn.start)
		for _, i := range part.funcs {
			i.Insn += move
			p.FuncInfos = append(p.FuncInfos, i)
		}
		for _, i := range part.lines {
			i.Insn += move
			p.LineInfos = append(p.LineInfos, i)
		}
		for _, i := range part.relos {
			i.Insn += move
			p.CORERelos = append(p.CORERelos, i)
		}
	}
	if len(lay.parts[0].funcs) == 0 {
		p.FuncInfos = nil
	}
	if len(lay.parts[0].lines) == 0 {
		p.LineInfos = nil
		return nil
	}
	first := p.LineInfos[0]
	p.File = l.raw.str(first.FileName)
	p.Line = int(first.LineCol >> 10)
	return nil
}

// exceptionCallback returns the function that a program names in a declaration tag
// exception_callback:NAME. The kernel calls it when the program throws (libbpf's
// bpf_prog_assign_exc_cb).
func (l *linker) exceptionCallback(program string) (*function, error) {
	name, ok := l.callbacks[program]
	if !ok {
		return nil, nil
	}
	for _, fn := range l.functions {
		if fn.name != name || !fn.isSubprogram() {
			continue
		}
		if !fn.global || fn.hidden {
			return nil, badSymbol("", name, "exception callback must be global and not hidden")
		}
		return fn, nil
	}
	return nil, badSymbol("", name, "exception callback of %s: no such function", clean(program))
}

// exceptionCallbacks returns the names in these tags by program. The verifier rejects a program
// with two of them.
func exceptionCallbacks(b *rawBTF) map[string]string {
	const prefix = "exception_callback:"
	callbacks := make(map[string]string)
	twice := make(map[string]bool)
	for id := btf.TypeID(1); b.has(id); id++ {
		if b.kind(id) != kindDeclTag || b.field(id, btfTypeSize) != math.MaxUint32 {
			continue
		}
		name := b.name(id)
		if len(name) <= len(prefix) || name[:len(prefix)] != prefix || b.kind(b.ref(id)) != kindFunc {
			continue
		}
		program := b.name(b.ref(id))
		if _, ok := callbacks[program]; ok {
			twice[program] = true
		}
		callbacks[program] = name[len(prefix):]
	}
	for program := range twice {
		delete(callbacks, program)
	}
	return callbacks
}
