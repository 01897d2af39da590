//vmtest:all

package loader_test

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Numbers that assembly refers to by name get the same value as with cilium/ebpf's Go code.
func TestConstantsAgreeWithCilium(t *testing.T) {
	path := testobj.Compile(t, "peer/asm_constant", testobj.Options{})
	for _, numbers := range []map[string]uint64{{}, {"LIMIT": 7, "FLOOR": 2}, {"LIMIT": 1<<63 | 5<<32 | 9}, {"FLOOR": 3}} {
		theirs, err := ebpf.LoadCollectionSpec(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range theirs.Programs {
			for i := range p.Instructions {
				if n, ok := numbers[p.Instructions[i].Reference()]; ok {
					p.Instructions[i].Constant = int64(n)
				}
			}
		}
		want, err := ebpf.NewCollection(theirs)
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()

		s := openConstants(t, path, loader.Options{})
		for name, n := range numbers {
			if err := runtime.SetConstant(s, name, n); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Load(nil); err != nil {
			t.Fatal(err)
		}
		_, programs := fdsByName(s)
		for name, p := range want.Programs {
			ours, err := ebpf.NewProgramFromFD(dup(t, programs[name]))
			if err != nil {
				t.Fatal(err)
			}
			defer ours.Close()
			if a, b := run(t, p), run(t, ours); a != b {
				t.Errorf("%s with %v: %#x by cilium/ebpf, %#x here", name, numbers, a, b)
			}
		}
	}
}

func openConstants(t *testing.T, path string, opts loader.Options) *runtime.Skeleton {
	t.Helper()
	spec, err := loader.ReadFile(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	s, err := runtime.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// run runs a socket filter on a packet and returns its result.
func run(t *testing.T, p *ebpf.Program) uint32 {
	t.Helper()
	result, _, err := p.Test(make([]byte, 64))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestConstantsErrors(t *testing.T) {
	path := testobj.Compile(t, "peer/asm_constant", testobj.Options{})
	for _, tt := range []struct {
		path, name string
		signed     bool
		want       string
	}{
		{path, "LIMITS", false, "set constant LIMITS of asm_constant: no such constant: the object has LIMIT, FLOOR"},
		{path, "", false, "set constant  of asm_constant: no such constant: the object has LIMIT, FLOOR"},
		{testobj.Compile(t, "minimal", testobj.Options{}), "LIMIT", false, "set constant LIMIT of minimal: the object has no named constants"},
		{path, "LIMIT", true, "set constant LIMIT of asm_constant: " + runtime.ErrSigned.Error()},
	} {
		s := openConstants(t, tt.path, loader.Options{Signed: tt.signed})
		if err := runtime.SetConstant(s, tt.name, 1); err == nil || err.Error() != tt.want || tt.signed != errors.Is(err, runtime.ErrSigned) {
			t.Errorf("\n got %v\nwant %s", err, tt.want)
		}
	}
	s := openConstants(t, path, loader.Options{})
	if err := s.Load(nil); err != nil {
		t.Fatal(err)
	}
	if err := runtime.SetConstant(s, "LIMIT", 1); err == nil {
		t.Error("a constant was set after the load")
	}
	s.Close()
	if err := runtime.SetConstant(s, "LIMIT", 1); err == nil {
		t.Error("a constant was set after Close")
	}
	if err := runtime.SetConstant(nil, "LIMIT", 1); err == nil {
		t.Error("a constant of a nil object was set")
	}
	spec, err := loader.ReadFile(path, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range []string{"4 LIMIT\n", "99999 LIMIT\n", "8\n", "x LIMIT\n", "-8 LIMIT\n", "18446744073709551608 LIMIT\n"} {
		spec.Constants = damaged
		s, err := runtime.Open(spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := runtime.SetConstant(s, "LIMIT", 1); err == nil {
			t.Errorf("%q is accepted", damaged)
		}
		s.Close()
	}
}
