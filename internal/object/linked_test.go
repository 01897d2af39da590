package object

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// linked links several objects with bpftool.
func linked(t *testing.T, names ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "linked.bpf.o")
	args := []string{"gen", "object", path}
	for _, name := range names {
		args = append(args, testobj.Compile(t, name, testobj.Options{}))
	}
	if out, err := exec.Command("bpftool", args...).CombinedOutput(); err != nil {
		t.Fatalf("bpftool: %v\n%s", err, out)
	}
	return path
}

// Both BTF and this package use the definition that replaced a weak variable, as programs do.
func TestReplacedWeakVariable(t *testing.T) {
	obj, err := Read(linked(t, "linked/lib", "linked/app"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]uint32{}
	for _, m := range obj.Maps {
		got[m.Name] = map[string]uint32{}
		for _, v := range m.Vars {
			got[m.Name][v.Name] = v.Offset
		}
	}
	want := map[string]map[string]uint32{
		".rodata": {"limit": 8, "after_limit": 4},
		".data":   {"level": 8, "after_level": 4},
		".bss":    {"hits": 12, "seen": 4, "after_hits": 8},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("offsets (-want +got):\n%s", diff)
	}
	h, err := btf.NewHandleFromRawBTF(obj.BTF)
	if err != nil {
		t.Fatalf("the kernel refuses the BTF: %+v", err)
	}
	h.Close()
	for _, m := range obj.Maps {
		if m.Name == ".data" && obj.ByteOrder.Uint32(m.Data[8:]) != 4 {
			t.Errorf("level is not 4 in % x", m.Data)
		}
	}
}
