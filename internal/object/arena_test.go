package object

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// An arena begins with its global variables, and instructions refer to them by the arena's value.
func TestArenaVariables(t *testing.T) {
	for _, cc := range []string{"clang-19", "clang-22"} {
		for _, target := range []string{"bpfel", "bpfeb"} {
			obj := read(t, "arena/globals", testobj.Options{CC: cc, Target: target})
			m := findMap(t, obj, "arena")
			if m.Kind != NoData || ebpf.MapType(m.Type) != ebpf.Arena || m.ValueSize != 0 || m.ValueTypeID != 0 {
				t.Errorf("%s %s: %+v", cc, target, m)
			}
			offsets := make(map[string]uint32)
			for _, v := range m.Vars {
				offsets[v.Name] = v.Offset
				if v.Static != (v.Name == "calls") {
					t.Errorf("%s %s: %s static: %v", cc, target, v.Name, v.Static)
				}
			}
			want := map[string]uint32{"counter": 0, "first": 8, "squares": 24, "calls": 8024}
			if diff := cmp.Diff(want, offsets); diff != "" {
				t.Errorf("%s %s: offsets (-want +got):\n%s", cc, target, diff)
			}
			if n := obj.ByteOrder.Uint32(m.Data); n != 5 || len(m.Data) != 8028 {
				t.Errorf("%s %s: counter is %d in %d bytes", cc, target, n, len(m.Data))
			}
			// References of the program: counter, squares, first, and calls by section and offset.
			used := make(map[int32]bool)
			p := obj.Programs[0]
			for i, in := range p.Insns {
				if in.IsLdImm64() && in.Src == sys.PseudoMapIdxValue && obj.Maps[in.Imm] == m {
					used[p.Insns[i+1].Imm] = true
				}
			}
			if diff := cmp.Diff(map[int32]bool{0: true, 8: true, 24: true, 8024: true}, used); diff != "" {
				t.Errorf("%s %s: references (-want +got):\n%s", cc, target, diff)
			}
		}
	}
}

// Arenas that the kernel or the runtime cannot create are refused when the object is read.
func TestInvalidArenas(t *testing.T) {
	for name, want := range map[string]string{
		"bad/arena_no_map":   "section .addr_space.1: cannot place __arena variables: define a map of type BPF_MAP_TYPE_ARENA",
		"bad/arena_two_maps": "section .addr_space.1: cannot place __arena variables: the object has two arenas, left and right",
		"bad/arena_faults":   "section .addr_space.1: cannot initialize __arena variables: remove the flag BPF_F_SEGV_ON_FAULT from map arena",
	} {
		_, err := Read(testobj.Compile(t, name, testobj.Options{}))
		if err == nil || !strings.HasSuffix(err.Error(), ".bpf.o: "+want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, want)
		}
	}
}
