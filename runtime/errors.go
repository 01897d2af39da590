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

// LoadError reports which step of a load failed, on what, and with which answer from the kernel. It
// unwraps to the kernel's answer, so errors.Is(err, unix.EPERM) works.
//
// Everything that explains the answer is gathered after the failure. A successful load pays nothing
// for it.
type LoadError struct {
	_ incomparable

	Object string // the object's name
	Op     string // what was being done: "create map counts"
	// Step is the number of the failed step as listed by "bpf2lskel inspect", or -1 if the step is
	// not listed there, such as "create the loader's map".
	Step  int
	Errno unix.Errno // 0 if the error is not from the kernel
	Err   error
	// Reason is what the answer means, if the object and the log reveal it: "this kernel has no
	// field pid_links of struct task_struct".
	Reason string
	// Log is the verifier's log, for programs and BTF. It may be empty.
	Log string
	// Hint suggests what to do. It may be empty. docs/errors.md lists all hints.
	Hint string
}

// Error returns one line: what failed, the kernel's answer, the reason or the decisive lines of the
// verifier's log, and the hint.
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

// Format prints the error, followed by the whole log for %+v.
func (e *LoadError) Format(f fmt.State, verb rune) {
	said := e.Error()
	if verb == 'q' {
		said = strconv.Quote(said)
	}
	write := func(s string) { f.Write(unsafe.Slice(unsafe.StringData(s), len(s))) } // without copying the log, of up to 4 MiB
	write(said)
	if verb == 'v' && f.Flag('+') && e.Log != "" {
		write("\n")
		write(e.Log)
	}
}

// newLoadError gathers what can be found out about a failure.
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
