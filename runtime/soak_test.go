//go:build !race

package runtime_test

import (
	"errors"
	"fmt"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

// Not run with the race detector, which allocates memory for each load.

// After many cycles of loading and closing, the process and the kernel have what they had at the
// start.
func TestSoak(t *testing.T) {
	const first, cycles = 100, 10000
	// The kernel's maps and programs are counted by a name that nothing else uses.
	name := fmt.Sprintf("soak%d", os.Getpid())
	obj := oneProgram(object.Program{Insns: returnsZero.Insns})
	obj.Programs[0].Name = name
	obj.Maps = []*object.Map{{
		Name: "d", KernelName: name, Kind: object.Data, Type: array.Type, KeySize: 4, ValueSize: 8, MaxEntries: 1,
		Flags: 1 << 10, Data: make([]byte, 8), // BPF_F_MMAPABLE
	}}
	spec := generate(t, obj)
	cycle := func(n int) {
		t.Helper()
		for range n {
			if err := loadDirectly(spec); err != nil {
				t.Fatal(err)
			}
		}
	}

	cycle(first)
	before, memory := settledCensus(t), resident(t)
	// Loaders have the same names everywhere, and others may be loading at this moment.
	loaders := settled(t, 0, "__loader.map", "__loader.prog")
	inKernel := settled(t, 0, name)
	cycle(cycles - first)
	wantCensus(t, before, "at the end")
	if now := settled(t, inKernel, name); now != inKernel {
		t.Errorf("the kernel has %d maps and programs of this test, %d after the first %d cycles", now, inKernel, first)
	}
	if now := settled(t, loaders, "__loader.map", "__loader.prog"); now > loaders+first {
		t.Errorf("the kernel has %d maps and programs of loaders, %d after the first %d cycles", now, loaders, first)
	}
	now := resident(t)
	t.Logf("resident memory: %d kB after %d cycles, %d kB after %d", memory, first, now, cycles)
	if now > memory+slack {
		t.Errorf("resident memory has grown from %d to %d kB", memory, now)
	}
}

// slack is how much Go's heap and the threads' stacks may vary, in kB: less than half a byte per
// cycle.
const slack = 4 << 10

func resident(t *testing.T) int {
	goruntime.GC()
	debug.FreeOSMemory()
	return kilobytes(t, "VmRSS")
}

// settled counts the maps and programs with these names, after the kernel had time for deferred
// freeing.
func settled(t *testing.T, want int, names ...string) (n int) {
	for range 200 {
		if n = inKernel(t, names); n <= want {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return n
}

func inKernel(t *testing.T, names []string) int {
	n := 0
	for id := ebpf.MapID(0); ; {
		next, err := ebpf.MapGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		id = next
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue // freed in the meantime
		}
		if info, err := m.Info(); err == nil && slices.Contains(names, info.Name) {
			n++
		}
		m.Close()
	}
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue
		}
		if info, err := p.Info(); err == nil && slices.Contains(names, info.Name) {
			n++
		}
		p.Close()
	}
	return n
}
