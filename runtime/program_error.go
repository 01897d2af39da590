package runtime

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// ProgramError says what was being done with which program, or with a link of it, and what went
// wrong. It unwraps to the cause: errors.Is(err, unix.EBUSY) works.
type ProgramError struct {
	_ incomparable

	// Program is the program's name, "" for a nil or zero Program.
	Program string
	// Op is the operation with its target: "attach XDP to interface 3", "test run", "update link".
	Op string
	// Errno is the kernel's answer, 0 if it was not the kernel that refused.
	Errno unix.Errno
	Err   error
	// Hint says what to do about it, "" if there is nothing to say. docs/errors.md lists all of
	// them.
	Hint string
}

// Error returns the program, the operation, the cause, and the hint, as far as there are any.
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

// ErrNoAttachTarget means that the section of a program does not say where to
// attach it, so that it has to be attached by the method of its kind.
var ErrNoAttachTarget = errors.New("the section does not say where to attach")

var (
	errNoProgram  = errors.New("the program is nil or a zero value: programs come from a skeleton")
	errNoMap      = errors.New("the map is nil or a zero value: maps come from a skeleton")
	errNoLink     = errors.New("the link is nil or a zero value: links come from an Attach method")
	errNoSocket   = errors.New("the socket is nil")
	errNotLoaded  = &closedAs{"not loaded: call Load first"}
	errUnwanted   = &closedAs{"left out of the load: call SetAutoLoad(true) before Load"}
	errProgClosed = &closedAs{"it, or its skeleton, is closed"}
	errSkelClosed = &closedAs{"the skeleton is closed"}
	errLinkClosed = &closedAs{"closed"}
)

// closedAs is os.ErrClosed with the reason.
type closedAs struct{ text string }

func (e *closedAs) Error() string { return e.text }
func (e *closedAs) Unwrap() error { return os.ErrClosed }

// fail makes the error of an operation on p.
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

// withHint adds to the kernel's answer what to do about it, if there is anything to say.
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

// tooNew adds that the kernel is older than what it was asked for, if the hint says so, to what it
// answers then.
func tooNew(err error, hint string) error {
	if e, ok := err.(*ProgramError); ok && e.Errno == unix.EINVAL && hint != "" {
		e.Hint = hint
	}
	return err
}

// cString is a text as the kernel reads it, unless it has a zero byte, where the kernel would cut
// it.
func cString(s string) (addr uint64, keep []byte, err error) {
	if strings.IndexByte(s, 0) >= 0 {
		return 0, nil, &sentinelError{text: strconv.Quote(s) + " has a zero byte", errno: unix.EINVAL}
	}
	addr, keep = sys.CString(s)
	return addr, keep, nil
}

// hinted adds the hint of a kind of operation, if that has one for what the kernel has answered.
func hinted(err error, hint func(unix.Errno) string) error {
	if e, ok := err.(*ProgramError); ok {
		if text := hint(e.Errno); text != "" {
			e.Hint = text
		}
	}
	return err
}

// errProgNotSupp is ENOTSUPP, which the kernel lets out for operations that a
// kind of program or link does not have.
var errProgNotSupp error = &progNotSuppError{}

type progNotSuppError struct{}

func (*progNotSuppError) Error() string { return "this kind of program does not have the operation" }

func (*progNotSuppError) Unwrap() []error {
	return []error{errors.ErrUnsupported, sys.ENOTSUPP}
}
