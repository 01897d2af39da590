package legacy

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// programError returns an error like those of package runtime.
func programError(name, op string, err error, hint string) error {
	e := &runtime.ProgramError{Program: name, Op: op, Err: err, Hint: hint}
	errors.As(err, &e.Errno)
	return e
}

// borrow returns a file descriptor for the program that nothing else closes, and a function that
// closes it.
func borrow(p *runtime.Program, op string) (num int, release func(), err error) {
	num, err = p.DupFD()
	var failed *runtime.ProgramError
	if errors.As(err, &failed) {
		failed.Op = op
	}
	if err != nil {
		return -1, nil, err
	}
	return num, func() { unix.Close(num) }, nil
}

// interfaceHint returns the hint for attaching to an interface by netlink. If there is no such
// interface, it is the same as for TCX.
func interfaceHint(err error) string {
	var errno unix.Errno
	errors.As(err, &errno)
	if errno == unix.ENODEV {
		return explain.InterfaceHint(errno)
	}
	return ""
}

func onInterface(what string, ifindex int) string {
	return fmt.Sprintf("attach %s to interface %d", what, ifindex)
}
