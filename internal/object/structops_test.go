package object

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// What is not part of a struct's name is what libbpf leaves out of it.
func TestStructOpsFlavors(t *testing.T) {
	file := testobj.Read(t, "structops/flavor", testobj.Options{})
	for name, want := range map[string]string{
		"tcp_congestion_ops___v2": "tcp_congestion_ops",
		"tcp_congestion_ops____2": "tcp_congestion_ops____2",
		"tcp___congestion_ops__2": "tcp",
		"tcp___congestion___ops_": "tcp___congestion",
		"___tcp_congestion_ops__": "___tcp_congestion_ops__",
	} {
		obj, err := Parse("flavor", bytes.ReplaceAll(file, []byte("tcp_congestion_ops___v2"), []byte(name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := obj.Maps[0].StructOps.KernelType; got != want {
			t.Errorf("struct %s is the kernel's struct %s, want %s", name, got, want)
		}
	}
}

// struct_ops are maps that record their programs by member.
func TestStructOps(t *testing.T) {
	obj := read(t, "structops/shared", testobj.Options{})
	if len(obj.Maps) != 3 {
		t.Fatalf("%d maps", len(obj.Maps))
	}
	for i, want := range []struct {
		name, section string
		create        bool
		init          string
	}{{"first", ".struct_ops", true, "first_init"}, {"second", ".struct_ops", true, "second_init"}, {"third", "?.struct_ops", false, "third_init"}} {
		m := obj.Maps[i]
		ops := m.StructOps
		if m.Name != want.name || m.Type != sys.MapTypeStructOps || m.KeySize != 4 || m.ValueSize != ops.Type.Size || m.MaxEntries != 1 || m.Flags != 0 {
			t.Errorf("map %+v", m)
		}
		if ops.Section != want.section || ops.AutoCreate != want.create || ops.KernelType != "tcp_congestion_ops" || string(ops.Data[:8]) != strings.Repeat("\x00", 8) {
			t.Errorf("%s: %+v", m.Name, ops)
		}
		for j, member := range ops.Type.Members {
			name, p := member.Name, ops.Programs[j]
			if name == "init" {
				name = want.init
			}
			if member.Name == "name" {
				if p != nil || !strings.HasPrefix(string(ops.Data[member.Offset.Bytes():]), "b2l_"+want.name) {
					t.Errorf("%s: its name is %q", m.Name, ops.Data)
				}
				continue
			}
			if p == nil || p.Name != name {
				t.Errorf("%s: member %s is %+v", m.Name, member.Name, p)
			}
		}
	}
	// A '?' before a program's section has no effect if a struct uses the program.
	for _, p := range obj.Programs {
		if want := p.Name != "third_init"; p.AutoLoad != want || p.Type != sys.ProgTypeStructOps {
			t.Errorf("program %s: %+v", p.Name, p)
		}
	}
	if link := read(t, "structops/link", testobj.Options{}).Maps[0]; link.Flags != sys.FlagLink {
		t.Errorf("flags %#x with a link", link.Flags)
	}
	if flavor := read(t, "structops/flavor", testobj.Options{}).Maps[0]; flavor.StructOps.KernelType != "tcp_congestion_ops" {
		t.Errorf("a flavor refers to the kernel's struct %s", flavor.StructOps.KernelType)
	}
}

// Invalid struct_ops are refused by name.
func TestBadStructOps(t *testing.T) {
	for name, want := range map[string]string{
		"bad/structops_data":    "section .struct_ops: ops: member counter: refers to elsewhere, but is not a function pointer",
		"bad/structops_number":  "section .struct_ops: ops: member init: pointer is neither a program nor NULL",
		"bad/structops_other":   `section .struct_ops: ops: member init: program drop is in section "xdp", not in struct_ops/init`,
		"bad/structops_scalar":  "section .struct_ops.link: ops: not a named struct",
		"bad/structops_subprog": "section .struct_ops: ops: member init: helper is not a program of this object",
	} {
		_, err := Read(testobj.Compile(t, name, testobj.Options{}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}
