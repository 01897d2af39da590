package object

import (
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

func TestExternsAreListedOnceInOrderOfUse(t *testing.T) {
	for _, target := range []string{"bpfel", "bpfeb"} {
		obj := read(t, "extern/mixed", testobj.Options{Target: target})
		want := map[string]Extern{
			"bpf_cast_to_kern_ctx":     {Kind: Kfunc, Weak: true},
			"bpf_kmod_add":             {Kind: Kfunc, Weak: true},
			"bpf2lskel_no_such_func":   {Kind: Kfunc, Weak: true},
			"bpf_kmod_calls":           {Kind: KsymVar, Weak: true},
			"vfs_read":                 {Kind: KsymAddr, Weak: true},
			"bpf2lskel_no_such_symbol": {Kind: KsymAddr, Weak: true},
		}
		got := make(map[string]Extern)
		for _, e := range obj.Externs {
			if e.Name != e.KernelName {
				t.Errorf("%s has kernel name %s", e.Name, e.KernelName)
			}
			got[e.Name] = Extern{Kind: e.Kind, Weak: e.Weak}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(obj.Externs) != len(want) {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
		next := 0
		for _, p := range obj.Programs {
			for _, ref := range p.ExternRefs {
				if ref.Extern > next {
					t.Errorf("%s: extern %d is used before %d", target, ref.Extern, next)
				}
				next = max(next, ref.Extern+1)
			}
		}
	}
}

func TestExternReferences(t *testing.T) {
	obj := read(t, "extern/mixed", testobj.Options{})
	for _, p := range obj.Programs {
		if len(p.ExternRefs) == 0 {
			t.Errorf("%s does not refer to an extern", p.Name)
		}
		for _, ref := range p.ExternRefs {
			in, e := p.Insns[ref.Insn], obj.Externs[ref.Extern]
			want := Insn{Op: sys.OpLdImm64, Dst: in.Dst}
			switch {
			case in.IsCall():
				want = Insn{Op: sys.OpCall, Src: sys.PseudoKfuncCall}
			case e.Kind != KsymAddr:
				want.Src = sys.PseudoBtfID
			}
			if diff := cmp.Diff(want, in); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", p.Name, e.Name, diff)
			}
			if in.IsLdImm64() && p.Insns[ref.Insn+1] != (Insn{}) {
				t.Errorf("%s: %s: second half is %+v", p.Name, e.Name, p.Insns[ref.Insn+1])
			}
		}
	}
}

func TestUnusedExternsAreNotListed(t *testing.T) {
	for _, e := range read(t, "minimal", testobj.Options{}).Externs {
		t.Errorf("%s", e.Name)
	}
}

// The corpus of the fuzz test has an object with kconfig variables of each type, so clang is not
// needed.
func TestKconfigLayout(t *testing.T) {
	obj, err := Parse("config", corpus(t, "kconfig_el"))
	if err != nil {
		t.Fatal(err)
	}
	m := obj.Maps[len(obj.Maps)-1]
	if m.Kind != Kconfig || m.Name != ".kconfig" || m.KernelName != "config.kconfig" || m.Flags != 0x480 || len(m.Data) != int(m.ValueSize) {
		t.Errorf("%+v", m)
	}
	want := []Var{
		{Name: "CONFIG_HZ", Offset: 0, Size: 8},
		{Name: "CONFIG_TRI", Offset: 8, Size: 4, Weak: true},
		{Name: "LINUX_KERNEL_VERSION", Offset: 12, Size: 4},
		{Name: "CONFIG_SH", Offset: 16, Size: 2, Weak: true},
		{Name: "CONFIG_BPF", Offset: 18, Size: 1},
		{Name: "CONFIG_STR", Offset: 19, Size: 20, Weak: true},
	}
	if diff := cmp.Diff(want, m.Vars, cmpopts.IgnoreFields(Var{}, "Type")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, e := range obj.Externs {
		if typ, err := obj.Types.TypeByID(e.TypeID); err != nil || typ.TypeName() != e.Name {
			t.Errorf("%s: type %v, %v", e.Name, typ, err)
		}
	}
	var dummies int
	for typ, err := range obj.Types.All() {
		if v, ok := typ.(*btf.Var); err == nil && ok && v.Name == "dummy_ksym" {
			dummies++
		}
	}
	if dummies != 1 {
		t.Errorf("%d dummy variables for kfuncs in BTF, want 1", dummies)
	}
}
