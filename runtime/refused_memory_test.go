//go:build !race

//vmtest:6.12,6.18,7.x

package runtime_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Not run with the race detector, which allocates memory. Before Linux 6.4 the same pages are
// mapped repeatedly for a log, and count each time.

// memoryChild tells a process that its memory is measured, and whether it should load something.
const memoryChild = "BPF2LSKEL_TEST_MEMORY"

// A refused load and formatting its error take little memory, however long the verifier's log.
func TestRefusedLoadMemory(t *testing.T) {
	if what := os.Getenv(memoryChild); what != "" {
		beRefused(t, what)
		return
	}
	if sys.KernelVersion().Before(sys.Version{6, 4}) {
		t.Skip("pages that are mapped repeatedly count each time")
	}
	const most = 32 << 10 // kB
	empty, loaded := peakOfChild(t, "nothing"), peakOfChild(t, "load")
	t.Logf("peak resident memory: %d kB, %d kB without a load", loaded, empty)
	if loaded > empty+most {
		t.Errorf("a refused load takes %d kB of memory, want at most %d", loaded-empty, most)
	}
	if loaded == empty {
		t.Error("the load took no memory")
	}
}

// peakOfChild returns the peak resident memory, in kB, of a process whose load is refused, or that
// does nothing.
func peakOfChild(t *testing.T, what string) (peak int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestRefusedLoadMemory$")
	cmd.Env = append(os.Environ(), memoryChild+"="+what)
	out, err := cmd.CombinedOutput()
	_, said, _ := strings.Cut(string(out), "peak: ")
	if _, scanned := fmt.Sscanf(said, "%d kB", &peak); err != nil || scanned != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	return peak
}

// beRefused runs in the process that TestRefusedLoadMemory starts.
func beRefused(t *testing.T, what string) {
	t.Helper()
	// The log has 127 MB: after each copy of a register the verifier prints the ranges of both.
	insns := []object.Insn{
		{Op: sys.OpLdx32, Dst: 2, Src: 1},      // r2 = *(u32 *)(r1 + 0), the length of the packet
		{Op: sys.OpMulImm, Dst: 2, Imm: 32},    // r2 *= 32
		{Op: sys.OpAddImm, Dst: 2, Imm: -1000}, // r2 += -1000
		{Op: sys.OpMovImm, Dst: 1},             // r1 = 0
		{Op: sys.OpMovReg, Dst: 3, Src: 2},     // again: r3 = r2
		{Op: sys.OpMovReg, Dst: 4, Src: 3},     // r4 = r3, and so on
		{Op: sys.OpMovReg, Dst: 5, Src: 4},
		{Op: sys.OpMovReg, Dst: 3, Src: 5},
		{Op: sys.OpMovReg, Dst: 4, Src: 3},
		{Op: sys.OpMovReg, Dst: 5, Src: 4},
		{Op: sys.OpMovReg, Dst: 3, Src: 5},
		{Op: sys.OpMovReg, Dst: 4, Src: 3},
		{Op: sys.OpAddImm, Dst: 1, Imm: 1},               // r1 += 1
		{Op: sys.OpJltImm, Dst: 1, Off: -10, Imm: 40000}, // if r1 < 40000 goto again
		{Op: sys.OpLdx64, Src: 2},                        // r0 = *(u64 *)(r2 + 0), which is not a pointer
		{Op: sys.OpExit},
	}
	spec := generate(t, oneProgram(object.Program{Insns: insns}))
	if what == "load" {
		err := loadDirectly(spec)
		if err == nil {
			t.Fatal("the load succeeded")
		}
		if line := fmt.Sprintf("%v", err); !strings.Contains(line, "R2 invalid mem access 'scalar'") {
			t.Fatal(line)
		}
		if n := len(fmt.Sprintf("%+v", err)); n < 2<<20 {
			t.Fatalf("the error has %d bytes", n)
		}
	}
	fmt.Printf("peak: %d kB\n", kilobytes(t, "VmHWM"))
}
