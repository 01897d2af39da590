//vmtest:all

package loader_test

import (
	"os"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// An object that is only known at run time loads from a file and from memory, and has its maps and
// programs by name.
func TestReadFile(t *testing.T) {
	path := testobj.Compile(t, "map_in_map", testobj.Options{})
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fromFile, err := loader.ReadFile(path, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fromMemory, err := loader.Read("map_in_map", file, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if fromFile.Loader != fromMemory.Loader || fromFile.Blob != fromMemory.Blob {
		t.Error("objects from file and memory differ")
	}
	s, err := runtime.Load(fromMemory, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range fromMemory.Maps {
		if m := s.MapByName(fromMemory.Maps[i].Name); m == nil || m != s.Map(i) || m.FD() < 0 {
			t.Errorf("map %s: %v", fromMemory.Maps[i].Name, m)
		}
	}
	for i := range fromMemory.Programs {
		if p := s.ProgramByName(fromMemory.Programs[i].Name); p == nil || p != s.Program(i) || p.FD() < 0 {
			t.Errorf("program %s: %v", fromMemory.Programs[i].Name, p)
		}
	}
	if s.MapByName("none") != nil || s.ProgramByName("none") != nil {
		t.Error("found a map or program named none")
	}
	if _, err := loader.Read("text", []byte("no object"), loader.Options{}); err == nil {
		t.Error("plain text was accepted as an object")
	}
}
