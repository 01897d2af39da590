package object

import (
	"fmt"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

func findProgram(t *testing.T, obj *Object, name string) *Program {
	t.Helper()
	for _, p := range obj.Programs {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no program %s", name)
	return nil
}

// functions returns the names of the functions in a program.
func functions(t *testing.T, obj *Object, p *Program) []string {
	t.Helper()
	var names []string
	for _, info := range p.FuncInfos {
		typ, err := obj.Types.TypeByID(info.Type)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, typ.(*btf.Func).Name)
	}
	return names
}

// calls returns the function that each call and function address in a program refers to, in the
// order of the instructions.
func calls(t *testing.T, obj *Object, p *Program) []string {
	t.Helper()
	starts := make(map[int]string)
	for i, name := range functions(t, obj, p) {
		starts[int(p.FuncInfos[i].Insn)] = name
	}
	var out []string
	for i, in := range p.Insns {
		if in.isSubprogCall() || in.IsLdImm64() && in.Src == sys.PseudoFunc {
			target, ok := starts[i+1+int(in.Imm)]
			if !ok {
				t.Fatalf("%s: instruction %d refers to %d, which is not the start of a function", p.Name, i, i+1+int(in.Imm))
			}
			out = append(out, target)
		}
	}
	return out
}

func TestSubprogramsFollowTheirProgram(t *testing.T) {
	tests := []struct {
		object, program string
		functions       []string
		calls           []string
	}{
		{"subprogs", "use_all", []string{"use_all", "times_ten", "plus_one", "weak_add"}, []string{"times_ten", "plus_one", "weak_add", "plus_one"}},
		{"subprogs", "use_some", []string{"use_some", "plus_one"}, []string{"plus_one"}},
		{"subprogs", "use_other_type", []string{"use_other_type", "plus_one"}, []string{"plus_one"}},
		{"subprogs", "use_none", []string{"use_none"}, nil},
		{"callbacks", "each", []string{"each", "visit", "add", "again"}, []string{"visit", "again", "add"}},
		{"subprog_elsewhere", "caller", []string{"caller", "callee"}, []string{"callee"}},
		{"subprog_elsewhere", "callee", []string{"callee"}, nil},
	}
	for _, test := range tests {
		for _, target := range []string{"bpfel", "bpfeb"} {
			t.Run(test.object+"/"+test.program+"/"+target, func(t *testing.T) {
				obj := read(t, test.object, testobj.Options{Target: target})
				p := findProgram(t, obj, test.program)
				if diff := cmp.Diff(test.functions, functions(t, obj, p)); diff != "" {
					t.Errorf("functions (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.calls, calls(t, obj, p)); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestEachFunctionHasLineInfo(t *testing.T) {
	for _, name := range []string{"subprogs", "callbacks", "core_subprogs", "subprog_deep"} {
		obj := read(t, name, testobj.Options{})
		for _, p := range obj.Programs {
			lines := make(map[uint32]bool)
			for i, l := range p.LineInfos {
				lines[l.Insn] = true
				if i > 0 && l.Insn <= p.LineInfos[i-1].Insn {
					t.Errorf("%s: %s: line information is not sorted", name, p.Name)
				}
			}
			for _, f := range p.FuncInfos {
				if !lines[f.Insn] {
					t.Errorf("%s: %s: no line for the function at %d", name, p.Name, f.Insn)
				}
			}
		}
	}
}

func TestProgramSourcePosition(t *testing.T) {
	p := findProgram(t, read(t, "minimal", testobj.Options{}), "pass")
	if p.Line == 0 || p.File == "" {
		t.Errorf("%q, line %d", p.File, p.Line)
	}
}

func TestCORERecordsMoveWithTheirFunction(t *testing.T) {
	obj := read(t, "core_subprogs", testobj.Options{})
	for program, want := range map[string][]string{
		"first":  {"leader"},
		"second": {"each", "leader"},
		"third":  {"leader"},
	} {
		p := findProgram(t, obj, program)
		names := functions(t, obj, p)
		in := make(map[string]bool)
		for _, relo := range p.CORERelos {
			owner := ""
			for i, f := range p.FuncInfos {
				if f.Insn <= relo.Insn {
					owner = names[i]
				}
			}
			in[owner] = true
		}
		for _, name := range want {
			if !in[name] {
				t.Errorf("%s: no CO-RE record in %s", program, name)
			}
		}
		if len(in) != len(want) {
			t.Errorf("%s: CO-RE records in %v, want %v", program, in, want)
		}
	}
}

// mapRefs returns the map references of a program's instructions.
func mapRefs(obj *Object, p *Program) []string {
	var out []string
	for i, in := range p.Insns {
		switch {
		case !in.IsLdImm64():
		case in.Src == sys.PseudoMapIdx:
			out = append(out, obj.Maps[in.Imm].Name)
		case in.Src == sys.PseudoMapIdxValue:
			off := uint32(p.Insns[i+1].Imm)
			name := "?"
			for _, v := range obj.Maps[in.Imm].Vars {
				if v.Offset == off {
					name = v.Name
				}
			}
			out = append(out, fmt.Sprintf("%s of %s", name, obj.Maps[in.Imm].Name))
		}
	}
	return out
}

func TestInstructionsReferToMapsAndVariables(t *testing.T) {
	for _, target := range []string{"bpfel", "bpfeb"} {
		obj := read(t, "globals_static", testobj.Options{Target: target})
		got := make(map[string]bool)
		for _, ref := range mapRefs(obj, findProgram(t, obj, "next")) {
			got[ref] = true
		}
		want := map[string]bool{
			"hidden of .data": true, "hidden_const of .rodata": true, "advance.state of .bss": true,
			"hidden_zero of .bss": true, "seen of .bss": true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}

		obj = read(t, "map_attrs", testobj.Options{Target: target})
		got = make(map[string]bool)
		for _, ref := range mapRefs(obj, findProgram(t, obj, "check")) {
			got[ref] = true
		}
		for _, name := range []string{"bloom", "bloom_default", "on_node", "write_only", "mapped"} {
			if !got[name] {
				t.Errorf("%s: no reference to %s", target, name)
			}
		}
	}
}

func TestQuestionMarkDisablesAutoLoad(t *testing.T) {
	obj := read(t, "optional_broken", testobj.Options{})
	for name, want := range map[string]bool{"broken": false, "fine": true} {
		p := findProgram(t, obj, name)
		if p.AutoLoad != want || p.Type != 6 {
			t.Errorf("%s: autoload %v, type %d", name, p.AutoLoad, p.Type)
		}
	}
	if s := findProgram(t, obj, "broken").Section; s != "?xdp" {
		t.Errorf("section %q, want it as written", s)
	}
}

func TestBothByteOrdersAreTheSameProgram(t *testing.T) {
	// Except for constants: a value loaded from memory has another offset.
	for _, name := range []string{"subprogs", "callbacks", "globals_static", "map_in_map", "extern/mixed"} {
		le := read(t, name, testobj.Options{Target: "bpfel"})
		be := read(t, name, testobj.Options{Target: "bpfeb"})
		for i, p := range le.Programs {
			q := be.Programs[i]
			if diff := cmp.Diff(len(p.Insns), len(q.Insns)); diff != "" {
				t.Errorf("%s: %s: instructions (-little +big):\n%s", name, p.Name, diff)
				continue
			}
			if diff := cmp.Diff(p.ExternRefs, q.ExternRefs); diff != "" {
				t.Errorf("%s: %s: externs (-little +big):\n%s", name, p.Name, diff)
			}
			for j, in := range p.Insns {
				if other := q.Insns[j]; in.Op != other.Op || in.Dst != other.Dst || in.Src != other.Src {
					t.Errorf("%s: %s: instruction %d: %+v, big endian %+v", name, p.Name, j, in, other)
				}
			}
		}
	}
}
