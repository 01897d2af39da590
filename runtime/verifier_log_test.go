package runtime_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// A log of more than 16 MiB is whole too: the verifier walks a loop for many turns, and then refuses its end.
func TestLogIsWhole(t *testing.T) {
	const turns = 200_000
	spec := generate(t, oneProgram(object.Program{Insns: []object.Insn{
		{Op: 0xb7, Dst: 1},                      // r1 = 0
		{Op: 0x07, Dst: 1, Imm: 1},              // r1 += 1
		{Op: 0xa5, Dst: 1, Off: -2, Imm: turns}, // if r1 < turns goto -2
		{Op: 0x95},                              // exit, without a result
	}}))
	before := settledCensus(t)
	err := loadDirectly(spec)
	wantError(t, err, unix.EACCES, "R0 !read_ok")
	var failure *runtime.LoadError
	if errors.As(err, &failure) {
		if n := len(failure.Log); n < 16<<20 || !strings.HasPrefix(failure.Log, "0: R1=ctx") || strings.Contains(failure.Log, "not whole") {
			t.Errorf("%d bytes of log, which begins %.60q", n, failure.Log)
		}
	}
	wantCensus(t, before, "after the failure")
}
