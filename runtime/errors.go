package runtime

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// LoadError is why a load has failed: at which step, on what, and with what
// answer from the kernel. It unwraps to the kernel's answer, so that
// errors.Is(err, unix.EPERM) works.
type LoadError struct {
	Object string // the object's name
	Op     string // what was being done: "create map counts"
	// Step is what the loader was doing, nil for what the runtime does itself.
	Step  *Step
	Errno unix.Errno // 0 if it was not the kernel that refused
	Err   error
	// Log is what the verifier said, for programs and BTF; "" if it said nothing.
	Log string
	// Hint says what to do about it, "" if there is nothing to say.
	Hint string
}

// Error gives one line: what failed, the kernel's answer, the decisive line of
// the verifier's log, and the hint.
func (e *LoadError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "load %s: %s: %v", e.Object, e.Op, e.Err)
	if line := e.decisive(); line != "" {
		fmt.Fprintf(&b, ": %s", line)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

func (e *LoadError) Unwrap() error { return e.Err }

// Format gives with %+v the whole log as well.
func (e *LoadError) Format(f fmt.State, verb rune) {
	fmt.Fprint(f, e.Error())
	if verb == 'v' && f.Flag('+') && e.Log != "" {
		fmt.Fprintf(f, "\n%s", e.Log)
	}
}

// decisive is the last line of the log that says why: statistics follow it.
func (e *LoadError) decisive() string {
	lines := strings.Split(strings.TrimSpace(e.Log), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(lines[i])
		if line != "" && !strings.HasPrefix(line, "processed ") && !strings.HasPrefix(line, "verification time ") &&
			!strings.HasPrefix(line, "stack depth ") {
			return line
		}
	}
	return ""
}

// fail is the error of what the runtime does itself.
func (l *loading) fail(op string, err error) *LoadError {
	e := &LoadError{Object: l.spec.Name, Op: op, Err: err}
	e.Errno, _ = err.(unix.Errno)
	return e
}

// failStep is the error of a step.
func (l *loading) failStep(i int, errno unix.Errno) *LoadError {
	step := &l.spec.Steps[i]
	return &LoadError{Object: l.spec.Name, Op: l.spec.StepName(*step), Step: step, Errno: errno, Err: errno}
}

const (
	firstLog = 64 << 10
	lastLog  = 16 << 20 // the largest that all kernels take
)

// explain fetches the verifier's log of a failed step: the load is run again,
// with a buffer for that step's log, until it fits. It returns true if the load succeeds this time.
func (l *loading) explain(e *LoadError) bool {
	if e.Step == nil || (e.Step.Kind != StepLoadProgram && e.Step.Kind != StepLoadBTF) {
		return false
	}
	for i := range l.spec.Steps {
		if &l.spec.Steps[i] == e.Step {
			l.logStep = i
		}
	}
	for size := firstLog; size <= lastLog; size *= 4 {
		l.log = make([]byte, size)
		again := l.attempt()
		if again == nil {
			return true
		}
		e.Log = unix.ByteSliceToString(l.log)
		if again.Errno != unix.ENOSPC {
			break
		}
	}
	return false
}

// patchLog tells the step whose log is wanted where to put it. The kernel takes
// the buffer for an address of user space even inside a loader.
func (l *loading) patchLog() {
	if l.logStep < 0 {
		return
	}
	step := &l.spec.Steps[l.logStep]
	buf, size := bufAddr(l.log), uint32(len(l.log))
	switch step.Kind {
	case StepLoadProgram:
		attr := (*sys.ProgLoadAttr)(l.at(step.Attr))
		attr.LogLevel, attr.LogSize, attr.LogBuf = 1, size, buf
	case StepLoadBTF:
		attr := (*sys.BtfLoadAttr)(l.at(step.Attr))
		attr.BtfLogLevel, attr.BtfLogSize, attr.BtfLogBuf = 1, size, buf
	}
}
