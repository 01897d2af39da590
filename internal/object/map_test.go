package object

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// definition is a map's definition without types.
func definition(m *Map) Map {
	return Map{
		Name: m.Name, KernelName: m.KernelName, Type: m.Type, KeySize: m.KeySize, ValueSize: m.ValueSize,
		MaxEntries: m.MaxEntries, Flags: m.Flags, Extra: m.Extra, NumaNode: m.NumaNode, Pinning: m.Pinning,
	}
}

func TestMapDefinitions(t *testing.T) {
	tests := []struct {
		object string
		want   Map
	}{
		{"map_attrs", Map{Name: "on_node", Type: 1, KeySize: 4, ValueSize: 8, MaxEntries: 32, Flags: 5}},
		{"map_attrs", Map{Name: "bloom", Type: 30, ValueSize: 4, MaxEntries: 1000, Extra: 3}},
		{"map_attrs", Map{Name: "bloom_default", Type: 30, ValueSize: 8, MaxEntries: 1000}},
		{"map_attrs", Map{Name: "mapped", Type: 2, KeySize: 4, ValueSize: 8, MaxEntries: 4, Flags: 0x480}},
		{"map_array", Map{Name: "flows", Type: 1, KeySize: 8, ValueSize: 16, MaxEntries: 128}},
		{"map_array", Map{Name: "untyped", Type: 1, KeySize: 6, ValueSize: 10, MaxEntries: 3, Flags: 1}},
		{"map_in_map", Map{Name: "table", Type: 12, KeySize: 4, ValueSize: 4, MaxEntries: 4}},
		{"prog_array", Map{Name: "jumps", Type: 3, KeySize: 4, ValueSize: 4, MaxEntries: 6}},
	}
	for _, test := range tests {
		for _, target := range []string{"bpfel", "bpfeb"} {
			obj := read(t, test.object, testobj.Options{Target: target})
			want := test.want
			want.KernelName = want.Name
			if diff := cmp.Diff(want, definition(findMap(t, obj, want.Name))); diff != "" {
				t.Errorf("%s of %s, %s (-want +got):\n%s", want.Name, test.object, target, diff)
			}
		}
	}
}

func TestKeyAndValueTypes(t *testing.T) {
	obj := read(t, "map_array", testobj.Options{})
	flows := findMap(t, obj, "flows")
	for what, id := range map[btf.Type]btf.TypeID{flows.Key: flows.KeyTypeID, flows.Value: flows.ValueTypeID} {
		typ, err := obj.Types.TypeByID(id)
		if err != nil || typ != what {
			t.Errorf("type %d is %v, %v; want %v", id, typ, err, what)
		}
	}
	if key, ok := flows.Key.(*btf.Struct); !ok || key.Name != "key" {
		t.Errorf("key is %v", flows.Key)
	}
	untyped := findMap(t, obj, "untyped")
	if untyped.Key != nil || untyped.Value != nil || untyped.KeyTypeID != 0 || untyped.ValueTypeID != 0 {
		t.Errorf("untyped: %+v", untyped)
	}
}

func TestUnsupportedTypesAreNotPassed(t *testing.T) {
	u32 := &btf.Int{Name: "u32", Size: 4}
	u64 := &btf.Int{Name: "u64", Size: 8}
	enum := &btf.Enum{Name: "e", Size: 4}
	key := &btf.Struct{Name: "key", Size: 8}
	const (
		hash, array, percpuArray, lpm, stack, bloom = 1, 2, 6, 11, 23, 30
	)
	tests := []struct {
		claim      string
		typ        uint32
		key, value btf.Type
		want       bool
	}{
		{"a hash takes any key", hash, enum, u64, true},
		{"a hash takes no value without a key", hash, nil, u64, false},
		{"a hash takes no key without a value", hash, u32, nil, false},
		{"an array's key is an integer of 32 bits", array, u32, u64, true},
		{"by whatever name", array, &btf.Typedef{Name: "idx", Type: &btf.Const{Type: u32}}, u64, true},
		{"but not an enum", array, enum, u64, false},
		{"and not of 64 bits", percpuArray, u64, u64, false},
		{"a trie's key is a struct", lpm, key, u64, true},
		{"and not an integer", lpm, u64, u64, false},
		{"a bloom filter has no key", bloom, nil, u64, true},
		{"a stack takes no types", stack, nil, u64, false},
	}
	for _, test := range tests {
		m := Map{Type: test.typ, Key: test.key, Value: test.value}
		if test.key != nil {
			m.KeyTypeID = 1
		}
		if test.value != nil {
			m.ValueTypeID = 2
		}
		m.dropRefusedBTF()
		if got := m.KeyTypeID != 0 || m.ValueTypeID != 0; got != test.want {
			t.Errorf("%s: passed %v, want %v", test.claim, got, test.want)
		}
	}
}

func TestMapOrder(t *testing.T) {
	obj := read(t, "map_attrs", testobj.Options{})
	var got []string
	for _, m := range obj.Maps {
		got = append(got, m.Name)
	}
	// Clang orders them by their first use in a program.
	want := []string{"bloom", "bloom_default", "on_node", "write_only", "mapped", ".bss"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func slots(m *Map) []string {
	var out []string
	for _, s := range m.Slots {
		if s.Map != nil {
			out = append(out, fmt.Sprintf("%d map %s", s.Index, s.Map.Name))
		} else {
			out = append(out, fmt.Sprintf("%d program %s", s.Index, s.Program.Name))
		}
	}
	return out
}

func TestMapSlots(t *testing.T) {
	tests := []struct {
		object, m string
		inner     string
		want      []string
	}{
		{"map_in_map", "table", "table.inner", []string{"0 map left", "2 map right", "3 map left"}},
		{"map_in_map", "by_key", "by_key.inner", []string{"1 map right"}},
		{"prog_array", "jumps", "", []string{"1 program first", "4 program second", "5 program second"}},
	}
	for _, test := range tests {
		for _, target := range []string{"bpfel", "bpfeb"} {
			obj := read(t, test.object, testobj.Options{Target: target})
			m := findMap(t, obj, test.m)
			if diff := cmp.Diff(test.want, slots(m)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", test.m, target, diff)
			}
			for _, s := range m.Slots {
				if s.Map != nil && !slices.Contains(obj.Maps, s.Map) || s.Program != nil && !slices.Contains(obj.Programs, s.Program) {
					t.Errorf("%s: slot %d does not belong to the object", test.m, s.Index)
				}
			}
			if test.inner == "" {
				if m.Inner != nil {
					t.Errorf("%s has an inner map", test.m)
				}
				continue
			}
			want := Map{Name: test.inner, KernelName: test.inner, Type: 2, KeySize: 4, ValueSize: 8, MaxEntries: 2}
			if diff := cmp.Diff(want, definition(m.Inner)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.inner, diff)
			}
		}
	}
}
