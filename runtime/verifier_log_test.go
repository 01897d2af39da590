//vmtest:all

package runtime_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// The end of a long log is kept, since it has the reason: the verifier follows a loop for many
// iterations and then rejects its end.
func TestLogKeepsItsEnd(t *testing.T) {
	const turns, most = 200_000, 4 << 20
	spec := generate(t, oneProgram(object.Program{Insns: []object.Insn{
		{Op: sys.OpMovImm, Dst: 1},                      // r1 = 0
		{Op: sys.OpAddImm, Dst: 1, Imm: 1},              // r1 += 1
		{Op: sys.OpJltImm, Dst: 1, Off: -2, Imm: turns}, // if r1 < turns goto -2
		{Op: sys.OpExit},                                // exit, without a result
	}}))
	before := settledCensus(t)
	err := loadDirectly(spec)
	wantError(t, err, unix.EACCES, "permission denied: R0 !read_ok")
	var failure *runtime.LoadError
	if errors.As(err, &failure) {
		first, rest, _ := strings.Cut(failure.Log, "\n")
		second, _, _ := strings.Cut(rest, "\n")
		number, _, _ := strings.Cut(second, ":")
		if n := len(failure.Log); n > most+100 || n < most/2 || first != "(the beginning of the log is not kept)" || strings.Trim(number, "123") != "" {
			t.Errorf("%d bytes of log, which begins %.200q", n, failure.Log)
		}
		if !strings.Contains(failure.Log, "\nR0 !read_ok\n") {
			t.Errorf("the log ends with %q", failure.Log[max(len(failure.Log)-200, 0):])
		}
	}
	wantCensus(t, before, "after the failure")
}
