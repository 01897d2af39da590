package loader

import (
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// The first two are test vectors published with the hash.
func TestCandidateHash(t *testing.T) {
	for name, want := range map[string]uint32{
		"":                               0xdeadbeef,
		"Four score and seven years ago": 0x17770551,
	} {
		if got := candidateHash(name); got != want {
			t.Errorf("%q: %#x, want %#x", name, got, want)
		}
	}
}

// Programs whose types evict each other's candidates are in one part.
func TestCompetingProgramsAreInOnePart(t *testing.T) {
	for name, want := range map[string]bool{
		"bench_filetop": true,  // super_block and vfsmount
		"bench_memory":  false, // seven types, and none evicts another
		"bench_agent":   false, // the loader resolves all of its relocations
	} {
		obj, err := object.Read(testobj.Compile(t, name, testobj.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		g, err := generate(obj, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.compete(); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if n := len(g.programJobs()); (n == 1) != want {
			t.Errorf("%s: %d jobs", name, n)
		}
	}
}

// A group of programs that must be in one part, but is too large to jump over, gives a loader
// without parts.
func TestTooLongPart(t *testing.T) {
	obj, err := object.Read(testobj.Compile(t, "bench_filetop", testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range obj.Programs {
		for i := range p.CORERelos {
			p.CORERelos[i].Kind = sys.CoreTypeIDTarget // which the loader does not resolve
		}
	}
	for len(obj.Programs) < 4096 {
		obj.Programs = append(obj.Programs, obj.Programs...)
	}
	spec, err := Generate(obj, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(spec.Loader) / 8; spec.Phases != nil || n <= 1<<15 {
		t.Errorf("%d instructions in phases %v", n, spec.Phases)
	}
}
