package object

import (
	"errors"
	"fmt"
	"math"

	"github.com/cilium/ebpf/btf"
)

// maxLinked bounds what all programs together may grow to, in bytes of
// Program's fields: each has its own copy of all that it calls, so that this is
// not bounded by the file's size. The kernel takes a million instructions a
// program.
const maxLinked = 128 << 20

// linker puts programs together.
type linker struct {
	*reader
	budget  int
	indices map[externKey]int // of Object.Externs
}

// externKey is what makes an extern distinct.
type externKey struct {
	name string
	kind ExternKind
}

// linking is the state of one program.
type linking struct {
	p     *Program
	entry *function
	at    map[*function]int // where in p.Insns
	// Whether function and line information is to be had: without that of the
	// entry none is passed to the kernel.
	funcs, lines bool
}

var errTooLarge = errors.New("the programs together are too large")

// link fills in the program that begins with entry.
func (l *linker) link(p *Program, entry *function) error {
	k := &linking{p: p, entry: entry, at: make(map[*function]int)}
	if err := l.add(k, entry); err != nil {
		return err
	}
	if cb, err := l.exceptionCallback(p.Name); err != nil {
		return err
	} else if cb != nil {
		if _, done := k.at[cb]; !done {
			if err := l.add(k, cb); err != nil {
				return err
			}
		}
	}
	if len(p.LineInfos) > 0 {
		first := p.LineInfos[0]
		p.File = l.raw.str(first.FileName)
		p.Line = int(first.LineCol >> 10)
	}
	return nil
}

// add appends a function, and then what it calls and what those call, in the
// order of the calls, unless it is there already. libbpf's
// bpf_object__reloc_code appends in the same order.
func (l *linker) add(k *linking, fn *function) error {
	begin := len(k.p.Insns)
	if begin+len(fn.insns) > math.MaxInt32 {
		return errTooLarge
	}
	k.at[fn] = begin
	k.p.Insns = append(k.p.Insns, fn.insns...)
	if err := l.addInfo(k, fn, begin); err != nil {
		return err
	}
	refs := l.referencesOf(fn)
	if l.budget -= len(fn.insns)*12 + len(refs)*16; l.budget < 0 {
		return errTooLarge
	}
	for i, in := range fn.insns {
		var ref *reference
		for len(refs) > 0 && refs[0].insn == fn.start+i {
			ref, refs = &refs[0], refs[1:]
		}
		var err error
		switch {
		case ref != nil && ref.kind != refFunction:
			l.patch(k.p, begin+i, ref)
		case ref != nil:
			err = l.call(k, begin+i, ref.fn)
		case in.isSubprogCall():
			// A static function in the same section needs no relocation.
			var called reference
			called, err = l.functionRef(fn.sec, int64(fn.start+i+1+int(in.Imm))*InsnSize, true)
			if err == nil {
				err = l.call(k, begin+i, called.fn)
			}
		}
		if err != nil {
			var e *Error
			if errors.As(err, &e) || errors.Is(err, errTooLarge) {
				return err
			}
			return badSymbol(fn.sec.name, fn.name, "instruction %d: %w", i, err)
		}
	}
	return nil
}

// call makes a call, or a load of a function's address, refer to the function.
func (l *linker) call(k *linking, at int, fn *function) error {
	if fn == k.entry {
		// libbpf finds subprograms in .text only, so never this. The kernel
		// would take it for a recursion, which it refuses.
		return fmt.Errorf("%s calls itself", clean(fn.name))
	}
	if _, done := k.at[fn]; !done {
		if err := l.add(k, fn); err != nil {
			return err
		}
	}
	in := &k.p.Insns[at]
	in.Imm = int32(k.at[fn] - at - 1)
	if in.IsLdImm64() {
		in.Src = PseudoFunc
	}
	return nil
}

// patch makes an instruction refer to a map or an extern, in the form that
// libbpf leaves to its loader (bpf_object__relocate_data with gen_loader).
func (l *linker) patch(p *Program, at int, ref *reference) {
	in := &p.Insns[at]
	switch ref.kind {
	case refMap:
		in.Src, in.Imm = PseudoMapIdx, int32(ref.m)
	case refData:
		in.Src, in.Imm = PseudoMapIdxValue, int32(ref.m)
		p.Insns[at+1].Imm = ref.off
	case refExtern:
		l.patchExtern(p, at, ref.ext)
	}
}

func (l *linker) patchExtern(p *Program, at int, ext *externSym) {
	in := &p.Insns[at]
	if ext.kind == 0 { // kconfig: its map is the last
		in.Src, in.Imm = PseudoMapIdxValue, int32(len(l.obj.Maps)-1)
		p.Insns[at+1].Imm = int32(ext.off)
		return
	}
	switch {
	case in.IsCall():
		in.Src, in.Off = PseudoKfuncCall, 0
	case ext.kind == KsymAddr:
		in.Src = 0
	default:
		in.Src = PseudoBTFID
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
		l.obj.Externs = append(l.obj.Externs, l.extern(ext))
	}
	p.ExternRefs = append(p.ExternRefs, ExternRef{Insn: at, Extern: index})
}

// addInfo appends what BTF says about a function's instructions. As in libbpf's
// reloc_prog_func_and_line_info a program whose entry has none does without;
// a subprogram then has to have it if the entry has.
func (l *linker) addInfo(k *linking, fn *function, at int) error {
	info := l.ext[fn.sec.index]
	if info == nil {
		info = new(extInfo)
	}
	begin, end := uint32(fn.start), uint32(fn.end())
	funcs := within(info.funcs, func(i *FuncInfo) uint32 { return i.Insn }, begin, end)
	lines := within(info.lines, func(i *LineInfo) uint32 { return i.Insn }, begin, end)
	relos := within(info.relos, func(i *CORERelo) uint32 { return i.Insn }, begin, end)
	if l.budget -= len(funcs)*8 + len(lines)*16 + len(relos)*16; l.budget < 0 {
		return errTooLarge
	}
	if fn == k.entry {
		k.funcs, k.lines = len(funcs) > 0, len(lines) > 0
	}
	if k.funcs && len(funcs) == 0 {
		return badSymbol(fn.sec.name, fn.name, "no function information in %s", extSection)
	}
	if k.lines && len(lines) == 0 {
		return badSymbol(fn.sec.name, fn.name, "no line information in %s", extSection)
	}
	move := uint32(at) - begin
	for _, i := range funcs {
		if k.funcs {
			i.Insn += move
			k.p.FuncInfos = append(k.p.FuncInfos, i)
		}
	}
	for _, i := range lines {
		if k.lines {
			i.Insn += move
			k.p.LineInfos = append(k.p.LineInfos, i)
		}
	}
	for _, i := range relos {
		i.Insn += move
		k.p.CORERelos = append(k.p.CORERelos, i)
	}
	return nil
}

// exceptionCallback returns the function that a program names in a declaration
// tag exception_callback:NAME, which the kernel calls when the program throws
// (libbpf's bpf_prog_assign_exc_cb).
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
			return nil, badSymbol("", name, "an exception callback has to be global and not hidden")
		}
		return fn, nil
	}
	return nil, badSymbol("", name, "exception callback of %s: no such function", clean(program))
}

// exceptionCallbacks reads those tags. A program with two of them is for the
// verifier to refuse.
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
