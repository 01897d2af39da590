//vmtest:all

package runtime_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	goruntime "runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
)

// After a program was refused, the kernel gets no programs of later parts, and none twice but the
// refused one.
func TestProgramsLoadedBeforeRefusal(t *testing.T) {
	const programs = 28
	parts := partsOf(t, manyPrograms(t, programs, -1))
	if len(parts) < 3 {
		t.Fatalf("%d parts", len(parts))
	}
	t.Logf("programs of each part: %d", parts)
	first := 0 // program of the part
	for i, n := range parts {
		for _, k := range []int{first, first + n - 1} {
			t.Run(fmt.Sprintf("part %d, program %d", i, k), func(t *testing.T) {
				spec := manyPrograms(t, programs, k)
				before := settledCensus(t)
				// One thread runs the parts in order: all programs of this part and earlier ones
				// are loaded, except for the refused one.
				loaded := withThreads(1, func() int { return loadedBy(t, spec, k) })
				if want := first + n - 1; loaded != want {
					t.Errorf("one thread: the kernel has loaded %d programs, want %d", loaded, want)
				}
				// Other threads may be ahead by the parts that they have already taken, but no
				// program is loaded twice.
				loaded = withThreads(4, func() int { return loadedBy(t, spec, k) })
				if least := first + n - 1; loaded < least || loaded > programs-1 {
					t.Errorf("four threads: the kernel has loaded %d programs, want %d to %d", loaded, least, programs-1)
				}
				wantCensus(t, before, "after the refusals")
			})
		}
		first += n
	}
}

// The loader of a small object runs once, to its end.
func TestSmallLoaderRunsOnce(t *testing.T) {
	obj := oneProgram(object.Program{Insns: readsBeyondStack.Insns})
	obj.Programs = append(obj.Programs, &object.Program{
		Name: "fine", Section: "tc", AutoLoad: true, Type: sys.ProgTypeSchedCLS, Insns: returnsZero.Insns,
	})
	spec := generate(t, obj)
	if spec.Phases != nil {
		t.Fatal("the loader has parts")
	}
	if loaded := loadedBy(t, spec, 0); loaded != 1 {
		t.Errorf("the kernel has loaded %d programs, want 1", loaded)
	}
}

// readsBeyondStack is rejected by every verifier.
var readsBeyondStack = object.Program{Insns: []object.Insn{
	{Op: sys.OpLdx64, Src: 10, Off: -4096}, // r0 = *(u64 *)(r10 - 4096)
	{Op: sys.OpExit},
}}

// manyPrograms returns an object whose programs take long enough for a loader in parts. One is
// refused at its last instruction.
func manyPrograms(t *testing.T, n, refused int) *runtime.Spec {
	t.Helper()
	obj := &object.Object{Name: "many", ByteOrder: binary.NativeEndian, License: "GPL"}
	for i := range n {
		p := &object.Program{Name: fmt.Sprintf("prog_%d", i), Section: "tc", AutoLoad: true, Type: sys.ProgTypeSchedCLS}
		for range 60 {
			p.Insns = append(p.Insns, object.Insn{Op: sys.OpMovImm, Dst: 0})
		}
		end := returnsZero.Insns
		if i == refused {
			end = readsBeyondStack.Insns
		}
		p.Insns = append(p.Insns, end...)
		obj.Programs = append(obj.Programs, p)
	}
	return generate(t, obj)
}

// partsOf returns the number of programs in each part of a loader that does nothing else. Each part
// begins with a branch to the next one, if r2 is not its number.
func partsOf(t *testing.T, spec *runtime.Spec) []int {
	t.Helper()
	var begins []int32
	for i := int32(0); int(i) < len(spec.Loader)/8; i++ {
		insn := []byte(spec.Loader)[8*i:][:8]
		if insn[0] == sys.OpJneImm && binary.NativeEndian.Uint32(insn[4:]) == uint32(len(begins)) {
			begins = append(begins, i)
		}
	}
	if len(spec.Phases) != 1 || int(spec.Phases[0]) != len(begins) {
		t.Fatalf("phases %d, but %d parts were found", spec.Phases, len(begins))
	}
	parts := make([]int, len(begins))
	for _, step := range spec.Steps {
		i := len(begins) - 1
		for begins[i] > step.Start {
			i--
		}
		parts[i]++
	}
	return parts
}

// loadedBy returns the number of programs of an object that the kernel loads before it refuses the
// program at index. It is derived from program IDs, which are consecutive. Other processes may load
// programs in between, but not each time.
func loadedBy(t *testing.T, spec *runtime.Spec, refused int) int {
	t.Helper()
	const own = 1 + 2 // the object's loader, nextProgramID's loader and its program
	fewest := -1
	for range 5 {
		begin := nextProgramID(t)
		err := loadDirectly(spec)
		loaded := nextProgramID(t) - begin - own
		name := spec.Programs[refused].Name
		wantError(t, err, unix.EACCES, "load program "+name+": permission denied: ")
		var failure *runtime.LoadError
		if errors.As(err, &failure) && spec.Steps[failure.Step].Kind != impl.StepLoadProgram {
			t.Errorf("step %d failed", failure.Step)
		}
		if fewest < 0 || loaded < fewest {
			fewest = loaded
		}
	}
	return fewest
}

// nextProgramID loads a program and returns its ID. Its loader has the preceding ID.
func nextProgramID(t *testing.T) int {
	t.Helper()
	s, err := runtime.Load(generate(t, oneProgram(returnsZero)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	info := new(sys.ProgInfo)
	if errno := sys.ObjInfo(s.Program(0).FD(), unsafe.Pointer(info), unsafe.Sizeof(*info)); errno != 0 {
		t.Fatal(errno)
	}
	return int(info.Id)
}

// withThreads calls f with GOMAXPROCS set to n, which limits the threads of a load.
func withThreads(n int, f func() int) int {
	defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(n))
	return f()
}
