package loader_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// An object that bpftool has linked from several files is the same load as libbpf's, and its
// programs use the right variables.
func TestSameLoadOfLinkedObjects(t *testing.T) {
	path := filepath.Join(t.TempDir(), "linked.bpf.o")
	args := []string{"gen", "object", path}
	for _, name := range []string{"linked/statics_one", "linked/statics_two"} {
		args = append(args, testobj.Compile(t, name, testobj.Options{}))
	}
	if out, err := exec.Command("bpftool", args...).CombinedOutput(); err != nil {
		t.Fatalf("bpftool: %v\n%s", err, out)
	}
	compareAll(t, []string{path})

	s, err := load(t, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	maps, programs := fdsByName(s)
	for _, c := range []struct {
		program, variable string
		want              uint64
	}{
		{"one", "total_one", 3 + 2 + 5 + 11 + 1000 + 1}, {"two", "total_two", 30 + 20 + 5 + 1000 + 1 + 1},
	} {
		testobj.CheckRun(t, path, maps, programs, testobj.Run{Program: c.program, Globals: map[string]uint64{c.variable: c.want}})
	}
}
