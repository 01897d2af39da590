package runtime

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// LoadError is why a load has failed: at which step, on what, and with what
// answer from the kernel. It unwraps to the kernel's answer, so that
// errors.Is(err, unix.EPERM) works.
//
// All that explains the answer is found out after the failure; a load that
// succeeds pays nothing for it.
type LoadError struct {
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
	if e.Errno == enotsupp {
		b.WriteString("not supported (ENOTSUPP)") // Go has no text for it
	} else {
		fmt.Fprint(&b, e.Err)
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	} else if said := decisive(e.Log); said != "" {
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
		fmt.Fprintf(f, "\n%s", e.Log)
	}
}

// What the runtime does itself.
const (
	opCreateBlob = "create the loader's map"
	opMapBlob    = "map the loader's map"
	opPatch      = "prepare the blob"
	opLoadLoader = "load the loader program"
	opRunLoader  = "run the loader program"
	opMapData    = "map the contents of "
	opVerify     = "verify the signature"
)

// fail is the error of what the runtime does itself.
func (l *loading) fail(op string, err error) *LoadError {
	e := &LoadError{Object: l.spec.Name, Op: op, Step: -1, Err: err}
	e.Errno, _ = errors.AsType[unix.Errno](err)
	return e
}

// failStep is the error of a step.
func (l *loading) failStep(i int, errno unix.Errno) *LoadError {
	return &LoadError{Object: l.spec.Name, Op: l.spec.StepName(l.spec.Steps[i]), Step: i, Errno: errno, Err: errno}
}

// explain finds out what can be known about a failure. It returns true if the
// load, run again for the verifier's log, succeeds this time.
func (l *loading) explain(e *LoadError) bool {
	if e.Hint != "" {
		return false
	}
	if l.fetchLog(e) {
		return true
	}
	f := &failure{LoadError: e, loading: l, machine: lookAround()}
	f.findReason()
	e.Hint = f.hint()
	return false
}
