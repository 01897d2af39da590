package runtime

import (
	"errors"
	"os"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// AttachError says what was being done with which program or link. It unwraps
// to the cause: errors.Is(err, unix.EBUSY) works.
type AttachError struct {
	Program string // name
	Op      string // "attach XDP to interface 3", "test", ...
	Err     error
}

// Error returns the program, the operation, the cause, and a hint if there is one.
func (e *AttachError) Error() string {
	return "program " + e.Program + ": " + e.Op + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *AttachError) Unwrap() error { return e.Err }

// ErrNoAttachTarget means that the section of a program does not say where to
// attach it, so that it has to be attached by the method of its kind.
var ErrNoAttachTarget = errors.New("the section does not say where to attach")

// errProgramClosed wraps os.ErrClosed: the skeleton is closed, or the program was not loaded.
var errProgramClosed error = &closedError{}

// fail makes the error of an operation on p.
func (p *Program) fail(op string, err error) error {
	switch {
	case errors.Is(err, os.ErrClosed):
		err = errProgramClosed
	case err == error(sys.ENOTSUPP):
		err = errProgNotSupp
	}
	return &AttachError{p.spec.Name, op, err}
}

// withHint adds to the kernel's answer what to do about it, if there is anything to say.
func withHint(errno unix.Errno, hint string) error {
	if hint == "" {
		return errno
	}
	return &hintedError{errno, hint}
}

type hintedError struct {
	errno unix.Errno
	hint  string
}

func (e *hintedError) Error() string { return e.errno.Error() + " (" + e.hint + ")" }
func (e *hintedError) Unwrap() error { return e.errno }

// errProgNotSupp is ENOTSUPP, which the kernel lets out for operations that a
// kind of program or link does not have.
var errProgNotSupp error = &progNotSuppError{}

type progNotSuppError struct{}

func (*progNotSuppError) Error() string { return "this kind of program does not have the operation" }

func (*progNotSuppError) Unwrap() []error {
	return []error{errors.ErrUnsupported, sys.ENOTSUPP}
}
