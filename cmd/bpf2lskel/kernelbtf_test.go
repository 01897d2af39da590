//vmtest:6.12,6.18,7.x

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

const kernelsBTF = "/sys/kernel/btf/vmlinux"

// mismatches are objects in testdata/prototype and the differences that are reported for them.
var mismatches = map[string]struct{ module, want string }{
	"vmlinux_argument": {"", "kernel function bpf_rdonly_cast: argument 2 (btf_id__k) is __u32 * in the source, u32 in "},
	"module_argument":  {"nf_conntrack", "kernel function bpf_xdp_ct_lookup: argument 3 (tuple__sz) is void * in the source, u32 in "},
	"variable":         {"", "kernel variable bpf_prog_active: its type is const struct rq in the source, int in "},
}

// Both load and -kernel-btf refuse externs that the kernel declares differently, by name.
func TestMismatchesAreRefused(t *testing.T) {
	for name, tt := range mismatches {
		t.Run(name, func(t *testing.T) {
			args := []string{"-kernel-btf", kernelsBTF}
			where := "vmlinux"
			if tt.module != "" {
				guest.Module(t, tt.module)
				args = append(args, "-kernel-btf", "/sys/kernel/btf/"+tt.module)
				where = "module " + tt.module
			}
			file := testobj.Compile(t, "prototype/"+name, testobj.Options{})
			mustFail(t, tt.want+where+": ", "load", file)
			dir := filepath.Join(t.TempDir(), "skel")
			mustFail(t, tt.want+args[len(args)-1]+": ", append(args, "-o", dir, file)...)
			if got := list(t, dir); got != nil {
				t.Errorf("wrote %v", got)
			}
		})
	}
}

func TestMatchingExternsPass(t *testing.T) {
	for name, module := range map[string]string{
		"extern/kfunc_vmlinux": "", "extern/kfunc_weak": "", "extern/ksym_typeless": "", "extern/ksym_typed": "", "extern/weak_missing": "",
		"extern/conntrack": "nf_conntrack",
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"-kernel-btf", kernelsBTF}
			if module != "" {
				guest.Module(t, module)
				args = append(args, "-kernel-btf", "/sys/kernel/btf/"+module)
			}
			dir := filepath.Join(t.TempDir(), "skel")
			mustRun(t, append(args, "-o", dir, testobj.Compile(t, name, testobj.Options{}))...)
			if len(list(t, dir)) == 0 {
				t.Error("wrote nothing")
			}
		})
	}
}

// A strong symbol must be in one of the files. A flavor that the kernel does not have gets a
// warning.
func TestKernelBTF(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "skel")
	run := func(name string) []string {
		return []string{"-kernel-btf", kernelsBTF, "-o", dir, testobj.Compile(t, name, testobj.Options{})}
	}
	mustFail(t, "kernel function bpf2lskel_no_such_func not found in the files of -kernel-btf: if a module has it, add -kernel-btf with that module's BTF after the one of vmlinux",
		run("extern/missing_func")...)
	mustFail(t, "kernel variable bpf2lskel_no_such_var not found in the files", run("extern/missing_var")...)
	out := mustRun(t, run("prototype/flavors")...)
	if !strings.Contains(out, "warning: ") || !strings.Contains(out, "kernel function bpf_rdonly_cast___wrong: argument 2 (btf_id__k) is __u32 * in the source") ||
		strings.Contains(out, "___right") {
		t.Errorf("output %s", out)
	}
	mustFail(t, "read BTF of "+os.DevNull, "-kernel-btf", os.DevNull, "-o", filepath.Join(t.TempDir(), "skel"), testobj.Compile(t, "minimal", testobj.Options{}))
}
