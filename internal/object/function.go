package object

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// A function is a C function, either the entry of a program or a subprogram.
type function struct {
	name   string
	sec    *section
	start  int    // first instruction, counted from the start of the section
	insns  []Insn // a slice of the section's; read-only
	global bool
	hidden bool
	called bool // a subprogram of some program
}

func (fn *function) end() int { return fn.start + len(fn.insns) }

// isSubprogram reports whether the function is not a program. libbpf has such functions in .text
// only.
func (fn *function) isSubprogram() bool { return fn.sec.name == textSection || !fn.global }

const textSection = ".text"

func (s *section) isProgbits() bool { return s.typ == elf.SHT_PROGBITS }
func (s *section) isBSS() bool      { return s.typ == elf.SHT_NOBITS }
func (s *section) isCode() bool {
	return s.isProgbits() && s.flags&elf.SHF_EXECINSTR != 0 && s.size > 0
}

// collectFunctions returns the functions, sorted by section and offset, with their instructions.
func collectFunctions(f *elfFile) ([]*function, error) {
	code := make(map[int][]Insn)
	var functions []*function
	for i := range f.symbols {
		sym := &f.symbols[i]
		s := f.sectionOf(sym)
		if s == nil || sym.typ != elf.STT_FUNC || !s.isCode() {
			continue
		}
		bad := func(format string, args ...any) error { return badSymbol(s.name, sym.name, format, args...) }
		if sym.name == "" {
			return nil, bad("a function without a name")
		}
		if sym.size == 0 || sym.size%InsnSize != 0 || sym.value%InsnSize != 0 {
			return nil, bad("%d bytes at offset %d are not whole instructions", sym.size, sym.value)
		}
		if sym.value > s.size || sym.size > s.size-sym.value {
			return nil, bad("exceeds its section")
		}
		if code[s.index] == nil {
			code[s.index] = decodeInsns(s.data, f.order)
		}
		start, end := int(sym.value/InsnSize), int((sym.value+sym.size)/InsnSize)
		functions = append(functions, &function{
			name:   sym.name,
			sec:    s,
			start:  start,
			insns:  code[s.index][start:end:end],
			global: sym.isGlobal(),
			hidden: sym.isGlobal() && sym.isHidden(),
		})
	}
	slices.SortStableFunc(functions, func(x, y *function) int {
		return cmp.Or(cmp.Compare(x.sec.index, y.sec.index), cmp.Compare(x.start, y.start))
	})
	for i, fn := range functions[min(1, len(functions)):] {
		before := functions[i]
		alias := fn.start == before.start && fn.end() == before.end()
		if fn.sec == before.sec && fn.start < before.end() && !alias {
			return nil, badSymbol(fn.sec.name, fn.name, "overlaps %s", clean(before.name))
		}
	}
	return functions, nil
}

// functionAt returns the function that contains an instruction of a section.
func (r *reader) functionAt(s *section, insn int) *function {
	i := sort.Search(len(r.functions), func(i int) bool {
		fn := r.functions[i]
		return fn.sec.index > s.index || fn.sec.index == s.index && fn.start > insn
	})
	if i == 0 {
		return nil
	}
	fn := r.functions[i-1]
	if fn.sec != s || insn < fn.start || insn >= fn.end() {
		return nil
	}
	return fn
}

// entries returns the programs, in libbpf's order.
func (r *reader) entries() ([]*Program, error) {
	seen := make(map[string]bool)
	var programs []*Program
	for _, fn := range r.functions {
		// A static function that nothing calls is a program to cilium/ebpf, and an error to libbpf.
		if fn.isSubprogram() && (fn.called || fn.sec.name == textSection) {
			continue
		}
		section, optional := strings.CutPrefix(fn.sec.name, "?")
		def := findSection(section)
		if def == nil {
			if fn.called {
				continue // any program may call it
			}
			// libbpf fails only if it has to load such a program, and cilium/ebpf always skips it.
			if !optional {
				r.warn("program %s is not loaded: %v", clean(fn.name), unknownSection(section))
			}
			def, optional = &sectionDef{}, true
		}
		if seen[fn.name] {
			return nil, badSymbol(fn.sec.name, fn.name, "two programs have this name")
		}
		seen[fn.name] = true
		p := &Program{Name: fn.name, KernelName: kernelName(fn.name), Section: fn.sec.name, AutoLoad: !optional}
		def.describe(p, section)
		r.entryOf[p] = fn
		r.programAt[place{fn.sec.index, fn.start}] = p
		programs = append(programs, p)
	}
	return programs, nil
}

// unknownSection returns the error for a section name that does not determine a program type.
func unknownSection(name string) error {
	const most = 64 // bytes of a name that is compared with others
	if similar := similarSection(name[:min(len(name), most)]); similar != "" {
		return fmt.Errorf("unknown program section %q (did you mean %q?)", clean(name), similar)
	}
	return fmt.Errorf("unknown program section %q: docs/reference.md lists the supported names", clean(name))
}

// A place is an instruction of a section.
type place struct {
	section int
	insn    int
}

func (fn *function) String() string {
	return fmt.Sprintf("%s in section %s", clean(fn.name), clean(fn.sec.name))
}
