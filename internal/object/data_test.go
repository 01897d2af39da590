package object

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

func TestDataMapNames(t *testing.T) {
	tests := []struct{ object, section, want string }{
		{"counter", ".bss", "counter.bss"},
		{"my_object_name", ".rodata", "my_objec.rodata"},
		{"my_object_name", ".bss", "my_objec.bss"},
		{"my_object_name", ".kconfig", "my_obje.kconfig"},
		{"my_object_name", ".data.custom", ".data.custom"},
		{"my_object_name", ".rodata.abracadabra", ".rodata.abracad"},
		{"my_object_name", ".rodata.str1.1", ".rodata.str1.1"},
		{"my-object", ".data", "my_objec.data"},
		{"", ".data", ".data"},
	}
	for _, test := range tests {
		if got := dataMapName(test.object, test.section); got != test.want {
			t.Errorf("%s of %s: got %s, want %s", test.section, test.object, got, test.want)
		}
	}
}

func TestObjectName(t *testing.T) {
	for path, want := range map[string]string{
		"counter.bpf.o":         "counter",
		"/a.b/counter.o":        "counter",
		"dir/counter":           "counter",
		"./.hidden.o":           "",
		"sixteen_or_more_bytes": "sixteen_or_more_bytes",
	} {
		if got := objectName(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// read parses a compiled object.
func read(t *testing.T, name string, opts testobj.Options) *Object {
	t.Helper()
	obj, err := Read(testobj.Compile(t, name, opts))
	if err != nil {
		t.Fatal(err)
	}
	checkObject(t, obj)
	return obj
}

func findMap(t *testing.T, obj *Object, name string) *Map {
	t.Helper()
	for _, m := range obj.Maps {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no map %s", name)
	return nil
}

func TestDataSectionsAreMaps(t *testing.T) {
	const mmapable, rdonlyProg = sys.FlagMmapable, sys.FlagRdonlyProg
	type dataMap struct {
		Name, Kernel string
		Kind         DataKind
		Size, Flags  uint32
		Vars         []string
	}
	for _, target := range []string{"bpfel", "bpfeb"} {
		obj := read(t, "globals_sections", testobj.Options{Target: target})
		var got []dataMap
		for _, m := range obj.Maps {
			d := dataMap{m.Name, m.KernelName, m.Kind, m.ValueSize, m.Flags, nil}
			for _, v := range m.Vars {
				d.Vars = append(d.Vars, v.Name)
			}
			if m.Type != 2 || m.KeySize != 4 || m.MaxEntries != 1 || m.KeyTypeID != 0 || m.ValueTypeID == 0 {
				t.Errorf("%s: %+v", target, m)
			}
			got = append(got, d)
		}
		want := []dataMap{
			{".data.hot", ".data.hot", Data, 4, mmapable, []string{"hot"}},
			{".data.cold_and_rarely_used_a", ".data.cold_and_", Data, 4, mmapable, []string{"cold"}},
			{".data.cold_and_rarely_used_b", ".data.cold_and_", Data, 4, mmapable, []string{"other"}},
			{".rodata.limits", ".rodata.limits", ROData, 4, mmapable | rdonlyProg, []string{"limit"}},
			{".rodata.more", ".rodata.more", ROData, 4, mmapable | rdonlyProg, []string{"more"}},
			{".bss", "globals_.bss", BSS, 8, mmapable, []string{"counted", "plain"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
		if got := obj.ByteOrder.Uint32(obj.Maps[1].Data); got != 11 {
			t.Errorf("%s: the initial value of cold is %d, want 11", target, got)
		}
	}
}

func TestVariablesAreSortedAndMarkedVisible(t *testing.T) {
	type variable struct {
		Name         string
		Offset, Size uint32
		Static       bool
	}
	obj := read(t, "btf_datasec", testobj.Options{})
	var got []variable
	for _, v := range findMap(t, obj, ".data").Vars {
		got = append(got, variable{v.Name, v.Offset, v.Size, v.Static})
	}
	for i := 1; i < len(got); i++ {
		if got[i].Offset < got[i-1].Offset+got[i-1].Size {
			t.Errorf("%+v overlaps %+v", got[i], got[i-1])
		}
	}
	visible := make(map[string]bool)
	for _, v := range got {
		visible[v.Name] = !v.Static
	}
	want := map[string]bool{
		"a_static": false, "b_global": true, "c_static": false, "d_hidden": false,
		"e_global": true, "declared_first": true, "j_array": false, "k_weak": true,
	}
	if diff := cmp.Diff(want, visible); diff != "" {
		t.Errorf("visible (-want +got):\n%s", diff)
	}
}

func TestStringLiteralsMap(t *testing.T) {
	obj := read(t, "strings", testobj.Options{})
	var literals int
	for _, m := range obj.Maps {
		if m.Kind == ROData && m.ValueTypeID == 0 {
			literals++
			if m.Vars != nil || m.Value != nil || m.Flags != sys.FlagRdonlyProg|sys.FlagMmapable {
				t.Errorf("%+v", m)
			}
		}
	}
	if literals == 0 {
		t.Error("no map of string literals")
	}
}

func TestEmptyVariablesAreLeftOut(t *testing.T) {
	obj := read(t, "globals_empty", testobj.Options{})
	for _, m := range obj.Maps {
		if m.Name == ".rodata" {
			t.Error("an empty section has a map")
		}
		for _, v := range m.Vars {
			if v.Size == 0 {
				t.Errorf("%s in %s", v.Name, m.Name)
			}
		}
	}
}
