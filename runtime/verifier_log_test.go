//vmtest:all

package runtime_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Of a log of any size the end is kept, which says why: the verifier walks a loop for many turns, and then refuses its end.
func TestLogKeepsItsEnd(t *testing.T) {
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
	if !errors.As(err, &failure) {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(failure.Log, "\n")
	if n := len(failure.Log); n > 4<<20+100 || n < 4<<20-4096 {
		t.Errorf("%d bytes of log", n)
	}
	if first != "(the beginning of the log is not kept)" || !strings.Contains(rest, fmt.Sprintf("R1=%#x", turns)) && !strings.Contains(rest, fmt.Sprint("R1_w=", turns)) {
		t.Errorf("the log begins %q, and ends %q", first, rest[max(0, len(rest)-200):])
	}
	// One line, however long the log is.
	if text := err.Error(); len(text) > 1000 || strings.Contains(text, "\n") {
		t.Errorf("%d bytes of error", len(text))
	}
	wantCensus(t, before, "after the failure")
}
