//vmtest:all

package loader_test

import (
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// Objects whose BTF is repaired load with it, where libbpf loads them without, and their programs
// do what the sources claim.
func TestRepairedBTF(t *testing.T) {
	names, err := testobj.Names("odd")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			path := testobj.Compile(t, name, testobj.Options{})
			ref, err := sameload.Load(t.Context(), path)
			if err != nil {
				t.Fatalf("libbpf: %v", err)
			}
			defer ref.Close()
			s, err := load(t, path)
			if err != nil {
				t.Fatalf("libbpf loads it, but we do not: %+v", err)
			}
			defer s.Close()
			maps, programs := fdsByName(s)
			testobj.CheckRuns(t, name, path, maps, programs)
			obj, err := object.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if obj.OddBTF {
				t.Error("its BTF is still considered invalid")
			}
		})
	}
}
