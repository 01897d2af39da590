package explain

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// What Linux 7.3 adds to the messages of earlier kernels.
const (
	nullReport = `
Verification failed: Register Type Safety: Invalid dereference

Reason:
  R0 may be NULL here (a nullable map value pointer). The program could dereference NULL on this
  path, so the verifier cannot prove this access is safe.

At:
  prog @ x.c:12:5
  Source context:
    >>> 12 |         *v += 1;
           |         ^-- error: invalid dereference of R0
  Instruction context:
    >>>  7 | (79) r1 = *(u64 *)(r0 +0)

Causal path:
  no retained diagnostic events on this path

Suggestion:
  Add a NULL check before the access and dereference the pointer only on the
  non-NULL path.

`
	leakReport = `
Verification failed: Resource Lifetime Safety: Unreleased resource

Reason:
  Owned resource (id=2) was acquired at instruction 4 and still needs to be released.

Suggestion:
  Release it.

`
)

func TestDecisive(t *testing.T) {
	for _, tt := range []struct{ name, log, want string }{
		{"nothing", "", ""},
		{"no reason", "processed 3 insns (limit 1000000)\n", ""},
		{
			"one line",
			"; return *v; @ x.c:3\n5: (61) r0 = *(u32 *)(r0 +0)\nR0 invalid mem access 'map_value_or_null'\nprocessed 6 insns\n",
			"R0 invalid mem access 'map_value_or_null', at: return *v; @ x.c:3",
		},
		{
			"with a report",
			"; *v += 1; @ x.c:12\n7: (79) r1 = *(u64 *)(r0 +0)\nR0 invalid mem access 'map_value_or_null'\n" + nullReport + "processed 7 insns\n",
			"R0 invalid mem access 'map_value_or_null', at: *v += 1; @ x.c:12; suggestion: Add a NULL check before the access and dereference the pointer only on the non-NULL path.",
		},
		{
			"with a report only",
			"; *v += 1; @ x.c:12\n7: (79) r1 = *(u64 *)(r0 +0)\n" + leakReport + "processed 7 insns\n",
			"Owned resource (id=2) was acquired at instruction 4 and still needs to be released., at: *v += 1; @ x.c:12; suggestion: Release it.",
		},
		{
			"two lines",
			"7: (95) exit\nUnreleased reference id=2 alloc_insn=0\nBPF_EXIT would leak\nprocessed 1 insns\nstack depth 0\n",
			"Unreleased reference id=2 alloc_insn=0; BPF_EXIT would leak",
		},
		{
			"two lines, a report between them",
			"7: (95) exit\nUnreleased reference id=2 alloc_insn=0\n" + leakReport + "BPF_EXIT would leak\nprocessed 1 insns\n",
			"Unreleased reference id=2 alloc_insn=0; BPF_EXIT would leak; suggestion: Release it.",
		},
		{
			"an infinite loop",
			"; while (1) @ x.c:2\n0: (05) goto pc-1\ninfinite loop detected at insn 0\ncur state: R1=ctx() R10=fp0\nold state: R1=ctx() R10=fp0\nprocessed 9 insns\n",
			"infinite loop detected at insn 0, at: while (1) @ x.c:2",
		},
		{"types", "2: (85) call bpf_map_lookup_elem#1\nR1 type=ctx expected=map_ptr\nprocessed 2 insns\n", "R1 type=ctx expected=map_ptr"},
		{
			"types, after a line", "2: (85) call bpf_x#1\nfirst\nR1 type=ctx expected=map_ptr\n", "first; R1 type=ctx expected=map_ptr",
		},
		{
			"a line of the compiler's own", "; x = 1; @ x.c:7\n0: (b7) r6 = 0\n;  @ x.c:0\n3: (07) r2 += -4\nno\n", "no, at: x = 1; @ x.c:7",
		},
		{"BTF", "magic: 0xeb9f\n[1] INT int size=4\n[2] Invalid kind:31\n", "[2] Invalid kind:31"},
		{"registers", "func#0 @0\nR1=ctx() R10=fp0\nunreachable insn 3\n", "unreachable insn 3"},
		{"no beginning", "(the beginning of the log is not kept)\nback-edge from insn 4 to 2\nverification time 7 usec\n", "back-edge from insn 4 to 2"},
		{
			"relocations",
			"CO-RE relocating STRUCT s: found target candidate [114]\nprog '': relo #0: patched insn #1 (LDX/ST/STX) off 0 -> 1264\nprocessed 0 insns\n", "",
		},
		{
			"a relocation that fails",
			"prog '': relo #0: patched insn #1 (LDX/ST/STX) off 0 -> 1264\nprog '': relo #1: unexpected insn #2\nprocessed 0 insns\n",
			"prog '': relo #1: unexpected insn #2",
		},
	} {
		if got := Decisive(tt.log); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

// Reading a log does not trust its input, and the result is one line.
func FuzzDecisive(f *testing.F) {
	f.Add("5: (85) call unknown#195896080\ninvalid func unknown#195896080\n")
	f.Add("; x\nfoo\n")
	f.Add("foo\n" + nullReport + "bar\n")
	f.Fuzz(func(t *testing.T, log string) {
		if said := Decisive(log); strings.Contains(said, "\n") {
			t.Errorf("more than one line: %q", said)
		}
		for _, errno := range []unix.Errno{unix.EINVAL, unix.EPERM} {
			fail := made(spec.Failure{Errno: errno, Err: errno, Log: log, Missing: []string{"k"}}, spec.Step{Kind: spec.StepLoadProgram})
			fail.findReason()
			if said := fail.Reason + fail.hint(); strings.Contains(said, "\n") {
				t.Errorf("more than one line: %q", said)
			}
		}
	})
}
