package runtime

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// ProgramError reports which operation on a program or one of its links failed, and why. It unwraps
// to the cause, so errors.Is(err, unix.EBUSY) works.
type ProgramError struct {
	_ incomparable

	// Program is the program's name, or "" for a nil or zero Program.
	Program string
	// Op is the operation and its target: "attach XDP to interface 3", "test run", "update link".
	Op string
	// Errno is the kernel's answer, or 0 if the error is not from the kernel.
	Errno unix.Errno
	Err   error
	// Hint suggests what to do. It may be empty. docs/errors.md lists all hints.
	Hint string
}

// Error returns the program, the operation, the cause and the hint.
func (e *ProgramError) Error() string {
	said := e.Op + ": " + e.Err.Error()
	if e.Program != "" {
		said = "program " + e.Program + ": " + said
	}
	if e.Hint != "" {
		said += " (" + e.Hint + ")"
	}
	return said
}

// Unwrap returns the cause.
func (e *ProgramError) Unwrap() error { return e.Err }

// ErrNoAttachTarget means that a program's section does not say where to attach it. Use the attach
// method of the program's kind instead.
var ErrNoAttachTarget = errors.New("the section names no target: use the attach method of the program's type")

var (
	errNoProgram  = errors.New("the program is nil or a zero value: use a program of a skeleton")
	errNoMap      = errors.New("the map is nil or a zero value: use a map of a skeleton")
	errNoLink     = errors.New("the link is nil or a zero value: use a link that an Attach method returned")
	errNoSocket   = errors.New("the socket is nil")
	errNotLoaded  = &closedAs{"not loaded: call Load first"}
	errUnwanted   = &closedAs{"not loaded: call SetAutoLoad(true) before Load"}
	errProgClosed = &closedAs{"the program or its skeleton is closed"}
	errSkelClosed = &closedAs{"the skeleton is closed"}
	errLinkClosed = &closedAs{"the link is closed"}
)

// closedAs is os.ErrClosed with an explanation.
type closedAs struct{ text string }

func (e *closedAs) Error() string { return e.text }
func (e *closedAs) Unwrap() error { return os.ErrClosed }

// fail returns the error of an operation on p.
func (p *Program) fail(op string, err error) *ProgramError {
	name := ""
	switch {
	case !p.exists():
		err = errNoProgram
	case err != os.ErrClosed:
		name = p.spec.Name
	case p.fd.state.Load() < 0:
		name, err = p.spec.Name, errProgClosed
	case p.fd.num.Load() == notWanted:
		name, err = p.spec.Name, errUnwanted
	default:
		name, err = p.spec.Name, errNotLoaded
	}
	return newProgramError(name, op, err)
}

//go:noinline
func newProgramError(name, op string, err error) *ProgramError {
	e := &ProgramError{Program: name, Op: op, Errno: sys.ErrnoOf(err), Err: err}
	if hinted, ok := err.(*hintedError); ok {
		e.Err, e.Hint = hinted.errno, hinted.hint
	}
	if e.Err == error(sys.ENOTSUPP) {
		e.Err = errProgNotSupp
	}
	return e
}

// withHint adds a hint, which may be empty, to the kernel's answer.
func withHint(errno unix.Errno, hint string) error {
	if hint == "" {
		return errno
	}
	return &hintedError{errno: errno, hint: hint}
}

type hintedError struct {
	_ incomparable

	errno unix.Errno
	hint  string
}

func (e *hintedError) Error() string { return e.errno.Error() + " (" + e.hint + ")" }
func (e *hintedError) Unwrap() error { return e.errno }

// tooNew adds a hint, which may be empty, to EINVAL: the answer of a kernel that is too old for the
// operation.
func tooNew(err error, hint string) error {
	if e, ok := err.(*ProgramError); ok && e.Errno == unix.EINVAL && hint != "" {
		e.Hint = hint
	}
	return err
}

// cString returns s as a NUL-terminated string for the kernel. It fails if s contains a NUL byte,
// at which the kernel would cut it off.
func cString(s string) (addr uint64, keep []byte, err error) {
	if strings.IndexByte(s, 0) >= 0 {
		return 0, nil, &sentinelError{text: strconv.Quote(s) + " contains a NUL byte", errno: unix.EINVAL}
	}
	addr, keep = sys.CString(s)
	return addr, keep, nil
}

// hinted adds the hint that a kind of operation has for the kernel's answer, if there is one.
func hinted(err error, hint func(unix.Errno) string) error {
	if e, ok := err.(*ProgramError); ok {
		if text := hint(e.Errno); text != "" {
			e.Hint = text
		}
	}
	return err
}

// errProgNotSupp stands for ENOTSUPP, which the kernel leaks to user space for operations that a
// kind of program or link lacks.
var errProgNotSupp error = &progNotSuppError{}

type progNotSuppError struct{}

func (*progNotSuppError) Error() string { return "not supported for this kind of program" }

func (*progNotSuppError) Unwrap() []error {
	return []error{errors.ErrUnsupported, sys.ENOTSUPP}
}
