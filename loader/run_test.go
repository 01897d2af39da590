//vmtest:all

package loader_test

import (
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Programs do what their sources claim: run by BPF_PROG_TEST_RUN, they return
// and leave in global variables what the head comment says.
func TestProgramsDoWhatTheirSourcesClaim(t *testing.T) {
	n := 0
	for _, name := range testobj.All(t) {
		runs := testobj.Runs(t, name)
		if len(runs) == 0 {
			continue
		}
		n += len(runs)
		t.Run(name, func(t *testing.T) {
			path := testobj.Compile(t, name, testobj.Options{})
			s, err := load(path)
			if err != nil {
				t.Fatalf("%+v", err)
			}
			defer s.Close()
			maps, programs := fdsByName(s)
			testobj.CheckRuns(t, name, path, maps, programs)
		})
	}
	t.Logf("%d claims", n)
}

// fdsByName gives the maps and programs of a load, those that were loaded.
func fdsByName(s *runtime.Skeleton) (maps, programs map[string]int) {
	maps, programs = make(map[string]int), make(map[string]int)
	for i := range s.Spec().Maps {
		maps[s.Map(i).Name()] = s.Map(i).FD()
	}
	for i := range s.Spec().Programs {
		if p := s.Program(i); p.FD() >= 0 {
			programs[p.Name()] = p.FD()
		}
	}
	return maps, programs
}
