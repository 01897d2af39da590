package object

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A reference is the target of an instruction's relocation.
type reference struct {
	insn int // counted from the start of the section
	kind refKind
	fn   *function  // refFunction
	m    int        // index of a map: refMap, refData
	off  int32      // in a map's value: refData
	ext  *externSym // refExtern
	name string     // refConstant
	err  error      // refUndefined: the reason
}

type refKind uint8

const (
	refFunction refKind = iota // a call, or a function's address
	refMap
	refData
	refExtern
	refUndefined // an error if a program uses it
	refConstant  // a constant that assembly names, and nothing defines
)

// collectReferences resolves the relocations of all sections with code. It ignores code outside
// functions, which a linker leaves behind when it replaces a weak function.
func (r *reader) collectReferences() error {
	r.refs = make(map[int][]reference)
	for i := range r.elf.sections {
		s := &r.elf.sections[i]
		if s.typ != elf.SHT_REL && s.typ != elf.SHT_RELA || int64(s.info) >= int64(len(r.elf.sections)) {
			continue
		}
		target := &r.elf.sections[s.info]
		switch {
		case s.typ == elf.SHT_RELA && (target.isCode() || hasGlobals(target)):
			return badSection(s.name, "unsupported relocations with addends")
		case s.typ == elf.SHT_RELA:
		case target.isCode():
			if err := r.collectFrom(s, target); err != nil {
				return err
			}
		case hasGlobals(target):
			if err := r.pointersIn(s, target); err != nil {
				return err
			}
		}
	}
	for _, refs := range r.refs {
		sortReferences(refs)
	}
	return r.collectLocalCalls()
}

func sortReferences(refs []reference) {
	slices.SortStableFunc(refs, func(x, y reference) int { return cmp.Compare(x.insn, y.insn) })
}

// collectLocalCalls finds the calls that need no relocation, since caller and static callee are in
// the same section.
func (r *reader) collectLocalCalls() error {
	local := make(map[int][]reference)
	for _, fn := range r.functions {
		for _, rel := range r.unrelocatedCalls(fn) {
			in := fn.insns[rel-fn.start]
			ref, err := r.functionRef(fn.sec, (int64(rel)+1+int64(in.Imm))*InsnSize, true)
			if err != nil {
				return badSymbol(fn.sec.name, fn.name, "instruction %d: %w", rel-fn.start, err)
			}
			ref.insn = rel
			local[fn.sec.index] = append(local[fn.sec.index], ref)
		}
	}
	for section, refs := range local {
		r.refs[section] = append(r.refs[section], refs...)
		sortReferences(r.refs[section])
	}
	return nil
}

// unrelocatedCalls returns the calls of a function without a relocation, as instructions of its
// section.
func (r *reader) unrelocatedCalls(fn *function) []int {
	var calls []int
	refs := r.referencesOf(fn)
	for i, in := range fn.insns {
		at := fn.start + i
		for len(refs) > 0 && refs[0].insn < at {
			refs = refs[1:]
		}
		relocated := len(refs) > 0 && refs[0].insn == at
		if in.isSubprogCall() && !relocated && r.functionAt(fn.sec, at) == fn {
			calls = append(calls, at)
		}
	}
	return calls
}

func (r *reader) collectFrom(s, target *section) error {
	rels, err := r.elf.relocations(s)
	if err != nil {
		return err
	}
	for _, rel := range rels {
		if rel.off%InsnSize != 0 || rel.off >= target.size {
			return badSection(target.name, "relocation at offset %d, which is not an instruction", rel.off)
		}
		insn := int(rel.off / InsnSize)
		fn := r.functionAt(target, insn)
		if fn == nil {
			continue
		}
		ref, err := r.resolve(rel, fn, insn)
		if err != nil {
			at := fmt.Errorf("instruction %d: %w", insn-fn.start, err)
			if name := r.elf.symbolName(rel.sym); name != "" {
				at = fmt.Errorf("instruction %d: %s: %w", insn-fn.start, clean(name), err)
			}
			return badSymbol(target.name, fn.name, "%w", at)
		}
		ref.insn = insn
		r.refs[target.index] = append(r.refs[target.index], ref)
	}
	return nil
}

// pointersIn warns about global data that contains addresses, which do not exist before the program
// runs. libbpf and cilium/ebpf load such data unchanged, and so does this package.
func (r *reader) pointersIn(s, target *section) error {
	rels, err := r.elf.relocations(s)
	if err != nil || len(rels) == 0 {
		return err
	}
	r.warn("section %s: pointer to %s at offset %d of initialized data is not valid in the kernel: set it when a program runs",
		clean(target.name), clean(r.elf.symbolName(rels[0].sym)), rels[0].off)
	return nil
}

// resolve returns the target of an instruction's relocation (libbpf's bpf_program__record_reloc).
func (r *reader) resolve(rel relocation, fn *function, insn int) (reference, error) {
	in := fn.insns[insn-fn.start]
	if rel.typ != relocLdImm64 && rel.typ != relocCall {
		return reference{}, fmt.Errorf("unsupported relocation of type %d", rel.typ)
	}
	if !in.IsCall() && !in.IsLdImm64() {
		return reference{}, fmt.Errorf("unsupported relocation of an instruction with opcode %#x", in.Op)
	}
	if in.IsLdImm64() && insn+1 >= fn.end() {
		return reference{}, errors.New("truncated ld_imm64 instruction")
	}
	sym := rel.sym
	if sym.isExtern() {
		ext := r.externs.bySymbol[sym]
		if ext == nil && in.IsLdImm64() && r.externs.inAsm[sym] {
			return reference{kind: refConstant, name: sym.name}, nil
		}
		if ext == nil {
			err := r.externs.undefined[sym]
			if err == nil {
				err = badSymbol("", sym.name, "%w", errUndefined)
			}
			return reference{kind: refUndefined, err: err}, nil
		}
		if in.IsCall() && ext.kind != Kfunc {
			return reference{}, errors.New("call of a variable")
		}
		return reference{kind: refExtern, ext: ext}, nil
	}
	s := r.elf.sectionOf(sym)
	switch {
	case sym.section == elf.SHN_COMMON:
		return reference{}, errors.New("variable without a section: initialize it")
	case s == nil:
		return reference{}, errors.New("undefined")
	case in.IsCall():
		// A global function is at its symbol, and imm is -1. A static one has the symbol of its
		// section, and imm is the offset.
		return r.functionRef(s, int64(sym.value)+int64(in.Imm+1)*InsnSize, in.Src == sys.PseudoCall)
	case s.isCode():
		return r.functionRef(s, int64(sym.value)+int64(in.Imm), true)
	}
	return r.dataRef(s, sym, in)
}

func (r *reader) functionRef(s *section, off int64, ok bool) (reference, error) {
	if !ok {
		return reference{}, errors.New("call of a symbol that is not a function")
	}
	if !s.isCode() {
		return reference{}, fmt.Errorf("call into section %s, which contains no code", clean(s.name))
	}
	if off < 0 || uint64(off) >= s.size || off%InsnSize != 0 {
		return reference{}, fmt.Errorf("no instruction at offset %d of section %s", off, clean(s.name))
	}
	fn := r.functionAt(s, int(off/InsnSize))
	if fn == nil || fn.start != int(off/InsnSize) {
		return reference{}, fmt.Errorf("no function at offset %d of section %s", off, clean(s.name))
	}
	fn.called = true
	return reference{kind: refFunction, fn: fn}, nil
}

func (r *reader) dataRef(s *section, sym *symbol, in Insn) (reference, error) {
	if s == r.maps || s.isLegacyMaps() {
		// A static map may have the symbol of its section, and imm is the offset.
		off := sym.value + uint64(in.Imm)
		m := r.mapAt[mapPlace{s.index, off}]
		if m == nil {
			return reference{}, fmt.Errorf("no map at offset %d of section %s", int64(off), clean(s.name))
		}
		return reference{kind: refMap, m: r.mapIndex[m]}, nil
	}
	if m := r.dataAt[s.index]; m != nil {
		off := int64(sym.value) + int64(in.Imm)
		return reference{kind: refData, m: r.mapIndex[m], off: int32(off)}, nil
	}
	switch {
	case s.name == ".jumptables":
		return reference{}, errors.New("unsupported jump table: compile with -fno-jump-tables, or with -mcpu=v3")
	case strings.HasPrefix(s.name, ".bss") || strings.HasPrefix(s.name, ".data") || strings.HasPrefix(s.name, ".rodata"):
		return reference{}, fmt.Errorf("section %s is empty", clean(s.name))
	}
	return reference{}, fmt.Errorf("section %s contains neither maps nor data", clean(s.name))
}

// referencesOf returns the references of the function's instructions.
func (r *reader) referencesOf(fn *function) []reference {
	refs := r.refs[fn.sec.index]
	at := func(insn int) int {
		return sort.Search(len(refs), func(i int) bool { return refs[i].insn >= insn })
	}
	first := at(fn.start)
	return refs[first:max(first, at(fn.end()))]
}
