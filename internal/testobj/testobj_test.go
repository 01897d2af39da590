package testobj_test

import (
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// Every source in the corpus compiles for both byte orders, with and without DWARF.
func TestCorpusCompiles(t *testing.T) {
	names := append(testobj.All(t), testobj.Externs(t)...)
	if len(testobj.All(t)) < 50 {
		t.Errorf("the corpus has only %d objects", len(testobj.All(t)))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range []struct {
				opts  testobj.Options
				order binary.ByteOrder
				dwarf bool
			}{
				{testobj.Options{Target: "bpfel"}, binary.LittleEndian, true},
				{testobj.Options{Target: "bpfeb"}, binary.BigEndian, true},
				{testobj.Options{Target: "bpfel", Strip: true}, binary.LittleEndian, false},
			} {
				f, err := elf.Open(testobj.Compile(t, name, c.opts))
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if f.Machine != elf.EM_BPF || f.ByteOrder != c.order {
					t.Errorf("%+v: machine %v, %v", c.opts, f.Machine, f.ByteOrder)
				}
				if got := f.Section(".debug_info") != nil; got != c.dwarf {
					t.Errorf("%+v: has DWARF: %v", c.opts, got)
				}
				if f.Section(".BTF") == nil {
					t.Errorf("%+v: no BTF", c.opts)
				}
			}
			testobj.Runs(t, name)
		})
	}
}

// Every source in testdata/peer compiles; some have no BTF.
func TestPeerCompiles(t *testing.T) {
	for _, name := range testobj.Peer(t) {
		for _, target := range []string{"bpfel", "bpfeb"} {
			if _, err := testobj.Build(t.Context(), name, testobj.Options{Target: target}); err != nil {
				t.Error(err)
			}
		}
	}
}

// Every source in testdata/bad compiles, except for the one that must not.
func TestBadCompiles(t *testing.T) {
	for _, name := range testobj.Bad(t) {
		_, err := testobj.Build(t.Context(), name, testobj.Options{})
		if name != "bad/no_compile" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "undeclared_variable") {
			t.Errorf("%s: the compiler says %v", name, err)
		}
	}
}

// The path gives an object the name that libbpf derives from it.
func TestObjectName(t *testing.T) {
	path := testobj.Compile(t, "extern/kfunc_weak", testobj.Options{})
	if !strings.HasSuffix(path, "/kfunc_weak.bpf.o") {
		t.Errorf("path is %s", path)
	}
}
