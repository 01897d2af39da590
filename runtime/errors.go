package runtime

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// LoadError is why a load has failed: at which step, on what, and with what
// answer from the kernel. It unwraps to the kernel's answer, so that
// errors.Is(err, unix.EPERM) works.
//
// All that explains the answer is found out after the failure; a load that
// succeeds pays nothing for it.
type LoadError struct {
	_ incomparable

	Object string // the object's name
	Op     string // what was being done: "create map counts"
	// Step is the index in Spec.Steps of what the loader was doing, -1 for
	// what the runtime does itself.
	Step  int
	Errno unix.Errno // 0 if it was not the kernel that refused
	Err   error
	// Reason is what the answer means, where the object and the log tell:
	// "this kernel has no field pid_links of struct task_struct".
	Reason string
	// Log is what the verifier said, for programs and BTF; "" if it said nothing.
	Log string
	// Hint says what to do about it, "" if there is nothing to say. docs/errors.md lists all of them.
	Hint string
}

// Error gives one line: what failed, the kernel's answer, the reason or the
// decisive lines of the verifier's log, and the hint.
func (e *LoadError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "load %s: %s: ", e.Object, e.Op)
	if e.Errno == sys.ENOTSUPP {
		b.WriteString("not supported (ENOTSUPP)") // Go has no text for it
	} else {
		fmt.Fprint(&b, e.Err)
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	} else if said := explain.Decisive(e.Log); said != "" {
		fmt.Fprintf(&b, ": %s", said)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

// Unwrap returns the kernel's answer, a [unix.Errno].
func (e *LoadError) Unwrap() error { return e.Err }

// Format gives with %+v the whole log as well.
func (e *LoadError) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", e.Error())
		return
	}
	fmt.Fprint(f, e.Error())
	if verb == 'v' && f.Flag('+') && e.Log != "" {
		fmt.Fprintln(f)
		_, _ = f.Write(unsafe.Slice(unsafe.StringData(e.Log), len(e.Log))) // 4 MiB perhaps, and fmt would copy it
	}
}

// newLoadError finds out what can be known about a failure.
func newLoadError(f *spec.Failure) *LoadError {
	explain.Explain(f)
	return &LoadError{
		Object: f.Spec.Name, Op: f.Operation(), Step: f.Step, Errno: f.Errno, Err: f.Err,
		Reason: f.Reason, Log: f.Log, Hint: f.Hint,
	}
}
