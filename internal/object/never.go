package object

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// This file rejects programs that no kernel loads, whatever the options of the runtime, with errors
// in terms of the source, before the kernel does at load time. Every kernel since 5.14 refuses
// them, even if the code is unreachable. Programs in '?' sections are not checked, since the object
// loads without them.

const (
	maxInsns = 1_000_000 // BPF_COMPLEXITY_LIMIT_INSNS, which bpf_prog_load compares with insn_cnt
	maxMaps  = 64        // MAX_USED_MAPS, in resolve_pseudo_ldimm64
)

// checkProgram returns an error if no kernel loads a program.
func (l *linker) checkProgram(p *Program, lay *layout) error {
	if !p.AutoLoad {
		return nil
	}
	entry := lay.parts[0].fn
	if n := len(p.Insns); n > maxInsns {
		return badSymbol(entry.sec.name, entry.name, "%d instructions, including the functions it calls: the kernel's limit is %d", n, maxInsns)
	}
	for _, part := range lay.parts {
		if err := l.checkEnd(&part); err != nil {
			return err
		}
	}
	if err := l.checkCalls(lay); err != nil {
		return err
	}
	if n := l.countMaps(p); n > maxMaps {
		return badSymbol(entry.sec.name, entry.name, "uses %d maps, including sections of variables and the maps of its subprograms: the kernel's limit is %d", n, maxMaps)
	}
	return l.checkKfuncs(p, lay)
}

// checkEnd returns an error if execution can run past the end of a function (check_subprogs: "last
// insn is not an exit or jmp"). Compilers generate such code for a function without a return
// statement, or one that cannot return. The last instruction may call a kernel function: bpf_throw,
// or clang's __bpf_trap.
func (l *linker) checkEnd(part *part) error {
	fn := part.fn
	switch last := fn.insns[len(fn.insns)-1]; last.Op {
	case sys.OpExit, sys.JMP | sys.JA, sys.JMP32 | sys.JA, sys.JMP | sys.JA | sys.X:
		return nil
	case sys.OpCall:
		if refs := l.referencesOf(fn); len(refs) > 0 && refs[len(refs)-1].insn == fn.end()-1 && refs[len(refs)-1].kind == refExtern {
			return nil
		}
	}
	return badSymbol(fn.sec.name, fn.name, "does not end in a return or a jump%s: a return statement is missing, or the C code has undefined behavior",
		l.where(part, fn.end()-1))
}

// checkCalls returns an error for recursion, which kernels up to 6.1 refuse as a back edge in the
// graph of instructions (check_cfg), and later ones as calls that nest too deep. The limit on
// nesting as such differs: 7.3 does not count functions that it verifies separately.
func (l *linker) checkCalls(lay *layout) error {
	const (
		onTheWay = iota + 1
		done
	)
	state := make(map[*function]int)
	var chain []*function
	var walk func(part *part) error
	parts := make(map[*function]*part, len(lay.parts))
	for i := range lay.parts {
		parts[lay.parts[i].fn] = &lay.parts[i]
	}
	walk = func(part *part) error {
		fn := part.fn
		state[fn] = onTheWay
		chain = append(chain, fn)
		for _, ref := range l.referencesOf(fn) {
			if ref.kind != refFunction || !fn.insns[ref.insn-fn.start].IsCall() {
				continue // callbacks are not checked
			}
			switch state[ref.fn] {
			case 0:
				if err := walk(parts[ref.fn]); err != nil {
					return err
				}
			case onTheWay:
				circle := append([]*function{ref.fn}, chain[slices.Index(chain, ref.fn)+1:]...)
				return badSymbol(fn.sec.name, fn.name, "calls %s%s: BPF does not support recursion", names(circle, ", which calls "), l.where(part, ref.insn))
			}
		}
		chain = chain[:len(chain)-1]
		state[fn] = done
		return nil
	}
	return walk(&lay.parts[0])
}

func names(fns []*function, between string) string {
	var list []string
	for _, fn := range fns {
		list = append(list, clean(fn.name))
	}
	return strings.Join(list, between)
}

// countMaps returns the number of maps that a program refers to.
func (l *linker) countMaps(p *Program) int {
	used := make(map[int32]bool)
	for i := range p.Insns {
		if in := &p.Insns[i]; in.IsLdImm64() && (in.Src == sys.PseudoMapIdx || in.Src == sys.PseudoMapIdxValue) {
			used[in.Imm] = true
		}
	}
	return len(used)
}

// checkKfuncs returns an error if a program calls kernel functions and its license is not
// compatible with the GPL (add_kfunc_call). Weak functions are exempt, since calls of missing ones
// are removed.
func (l *linker) checkKfuncs(p *Program, lay *layout) error {
	if l.obj.isGPL() {
		return nil
	}
	for _, ref := range p.ExternRefs {
		e := l.obj.Externs[ref.Extern]
		if e.Kind != Kfunc || e.Weak || !p.Insns[ref.Insn].IsCall() {
			continue
		}
		i := sort.Search(len(lay.parts), func(i int) bool { return lay.at[lay.parts[i].fn] > ref.Insn }) - 1
		fn := lay.parts[i].fn
		return badSymbol(fn.sec.name, fn.name, "calls kernel function %s%s, which requires a GPL-compatible license: the object's is %q: declare "+
			"char LICENSE[] SEC(\"license\") = \"GPL\"", clean(e.Name), l.where(&lay.parts[i], ref.Insn-lay.at[fn]+fn.start), l.obj.License)
	}
	return nil
}

// isGPL is the kernel's license_is_gpl_compatible.
func (o *Object) isGPL() bool {
	switch o.License {
	case "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL":
		return true
	}
	return false
}

// where returns the source line of an instruction of a section in parentheses, or "" if it is
// unknown.
func (l *linker) where(part *part, insn int) string {
	i := sort.Search(len(part.lines), func(i int) bool { return int(part.lines[i].Insn) > insn }) - 1
	if i < 0 {
		return ""
	}
	line := &part.lines[i]
	return fmt.Sprintf(" (%s:%d)", clean(path.Base(l.raw.str(line.FileName))), line.LineCol>>10)
}
