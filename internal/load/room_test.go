//vmtest:all

package load

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// longerSteps returns the loader's steps that have an attr.
func longerSteps(s *spec.Spec) (steps []int) {
	for i := range s.Steps {
		step := &s.Steps[i]
		switch step.Kind {
		case spec.StepLoadBTF, spec.StepCreateMap, spec.StepCreateInner, spec.StepLoadProgram:
			if step.Start < step.End && !(step.Kind == spec.StepCreateMap && s.Maps[step.Index].Outside) {
				steps = append(steps, i)
			}
		}
	}
	return steps
}

// Each attr can be extended, for every object: added zeros change nothing, and the kernel sees
// added non-zero bytes.
func TestRoom(t *testing.T) {
	features := AllFeatures()
	for _, name := range []string{"globals_sections", "map_in_map", "prog_array", "big_100", "core_shared"} {
		t.Run(name, func(t *testing.T) {
			obj, err := object.Read(testobj.Compile(t, name, testobj.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			s, err := loader.Generate(obj, loader.Options{})
			if err != nil {
				t.Fatal(err)
			}
			steps := longerSteps(s)
			if len(steps) < 2 {
				t.Fatalf("only %d steps have an attr", len(steps))
			}
			for _, quick := range []bool{true, false} {
				var longer []Longer
				req := Request{Spec: s, Features: unsafe.Pointer(features), Longer: &longer}
				for _, step := range steps {
					longer = append(longer, Longer{Step: step, Fields: string(make([]byte, 16))})
				}
				loaded, failure := RunOnce(&req, quick)
				if failure != nil {
					t.Fatalf("quick %v: %s: %v\n%s", quick, failure.Operation(), failure.Err, failure.Log)
				}
				for i := range s.Maps {
					if fd := loaded.MapFD(i); fd <= 0 || unix.Close(fd) != nil {
						t.Errorf("map %s: fd %d", s.Maps[i].Name, fd)
					}
				}
				for i := range s.Programs {
					if fd := loaded.ProgramFD(i); s.Programs[i].AutoLoad && (fd <= 0 || unix.Close(fd) != nil) {
						t.Errorf("program %s: fd %d", s.Programs[i].Name, fd)
					}
				}
				loaded.Release()
			}
			for _, step := range []int{steps[0], steps[len(steps)-1]} {
				// Set a field that no kernel knows: a 1 after all known fields.
				field := make([]byte, 256)
				field[255] = 1
				req := Request{Spec: s, Features: unsafe.Pointer(features), Longer: &[]Longer{{Step: step, Fields: string(field)}}}
				_, failure := RunOnce(&req, false)
				if failure == nil || failure.Step != step || failure.Errno != unix.E2BIG {
					t.Errorf("%s: %+v, want E2BIG", s.StepName(s.Steps[step]), failure)
				}
			}
		})
	}
}
