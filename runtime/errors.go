package runtime

import (
	"fmt"
	"strconv"
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
	// Step is the number of the failed step in what "bpf2lskel inspect" lists,
	// -1 if it is none of these, such as "create the loader's map".
	Step  int
	Errno unix.Errno // 0 if it was not the kernel that refused
	Err   error
	// Reason is what the answer means, where the object and the log tell:
	// "this kernel has no field pid_links of struct task_struct".
	Reason string
	// Log is what the verifier said, for programs and BTF; "" if it said nothing.
	Log string
	// Hint says what to do about it, "" if there is nothing to say. docs/errors.md lists all of
	// them.
	Hint string
}

// Error gives one line: what failed, the kernel's answer, the reason or the
// decisive lines of the verifier's log, and the hint.
func (e *LoadError) Error() string {
	said := fmt.Sprint(e.Err)
	if e.Errno == sys.ENOTSUPP {
		said = "not supported (ENOTSUPP)" // Go has no text for it
	}
	said = "load " + e.Object + ": " + e.Op + ": " + said
	reason := e.Reason
	if reason == "" {
		reason = explain.Decisive(e.Log)
	}
	if reason != "" {
		said += ": " + reason
	}
	if e.Hint != "" {
		said += " (" + e.Hint + ")"
	}
	return said
}

// Unwrap returns the kernel's answer, a [unix.Errno].
func (e *LoadError) Unwrap() error { return e.Err }

// Format gives with %+v the whole log as well.
func (e *LoadError) Format(f fmt.State, verb rune) {
	said := e.Error()
	if verb == 'q' {
		said = strconv.Quote(said)
	}
	write := func(s string) { f.Write(unsafe.Slice(unsafe.StringData(s), len(s))) } // the log may be 4 MiB: no copy of it
	write(said)
	if verb == 'v' && f.Flag('+') && e.Log != "" {
		write("\n")
		write(e.Log)
	}
}

// newLoadError finds out what can be known about a failure.
func newLoadError(f *spec.Failure) *LoadError {
	explain.Explain(f)
	if f.Doing != "" {
		f.Step = -1
	}
	return &LoadError{
		Object: f.Spec.Name, Op: f.Operation(), Step: f.Step, Errno: f.Errno, Err: f.Err,
		Reason: f.Reason, Log: f.Log, Hint: f.Hint,
	}
}
