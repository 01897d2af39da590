package runtime

import (
	"errors"
	"os"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Errors that the methods of maps return, wrapped in a [MapError]. Each unwraps to the kernel's
// errno too, so errors.Is(err, unix.ENOENT) works as well.
var (
	// ErrKeyNotExist means that the map does not contain the key, that an index is past the end, or
	// that a queue or stack is empty.
	ErrKeyNotExist error = &sentinelError{text: "key does not exist", errno: unix.ENOENT}
	// ErrKeyExist means that an update with [NoExist] found the key in the map.
	ErrKeyExist error = &sentinelError{text: "key already exists", errno: unix.EEXIST}
	// ErrMapFull means that the map already has max_entries entries.
	ErrMapFull error = &sentinelError{text: "map is full", errno: unix.E2BIG}
	// ErrMapFrozen means that user space cannot write to the map: it is frozen, or was created with
	// BPF_F_RDONLY.
	ErrMapFrozen error = &sentinelError{text: "map is read-only for user space", errno: unix.EPERM}

	errIndexRange error = &indexError{}
	errNotSupp    error = &notSuppError{}
)

// MapError reports which operation on a map failed, and why. It unwraps to the cause.
type MapError struct {
	_ incomparable

	Map string // name, or "" if there is no map
	Op  string // "lookup", "update", "delete", ...
	Err error
}

// Error returns the map, the operation, the cause, and a hint if there is one.
func (e *MapError) Error() string {
	said := e.Op + ": " + e.Err.Error()
	if e.Map != "" {
		said = "map " + e.Map + ": " + said
	}
	return said
}

// Unwrap returns the cause.
func (e *MapError) Unwrap() error { return e.Err }

// newMapError is not inlined: it has many callers, and runs only after failures.
//
//go:noinline
func newMapError(name, op string, err error) *MapError { return &MapError{Map: name, Op: op, Err: err} }

// sentinelError is an error to compare with, which unwraps to an errno.
type sentinelError struct {
	_ incomparable

	text  string
	errno unix.Errno
}

func (e *sentinelError) Error() string { return e.text }
func (e *sentinelError) Unwrap() error { return e.errno }

// indexError reports an update past the end of an array, for which the kernel returns the same
// E2BIG as for a full hash (array_map_update_elem).
type indexError struct{}

func (*indexError) Error() string   { return "index is past the end of the map" }
func (*indexError) Unwrap() []error { return []error{ErrKeyNotExist, unix.E2BIG} }

type notSuppError struct{}

func (*notSuppError) Error() string   { return "not supported for this type of map" }
func (*notSuppError) Unwrap() []error { return []error{errors.ErrUnsupported, sys.ENOTSUPP} }

// fail returns the error for an operation on m that failed with errno.
func (m *Map) fail(op string, errno unix.Errno) error {
	var err error = errno
	switch errno {
	case unix.ENOENT:
		err = ErrKeyNotExist
	case unix.EEXIST:
		err = ErrKeyExist
	case unix.E2BIG:
		err = ErrMapFull
		if m.hasIndexKeys() {
			err = errIndexRange
		}
	case unix.EPERM:
		if op != opLookup {
			err = ErrMapFrozen
		}
	case sys.ENOTSUPP:
		err = errNotSupp
	}
	return newMapError(m.spec().Name, op, err)
}

// wrap adds m's name and the operation to an error that is not an errno.
func (m *Map) wrap(op string, err error) error {
	if errors.Is(err, os.ErrClosed) {
		err = errMapClosed
	}
	return newMapError(m.spec().Name, op, err)
}

// errMapClosed wraps os.ErrClosed: the skeleton is closed or not loaded yet.
var errMapClosed = &closedAs{"closed or not loaded"}

// Operations as named in errors.
const (
	opLookup       = "lookup"
	opUpdate       = "update"
	opDelete       = "delete"
	opLookupDelete = "lookup and delete"
	opNext         = "next key"
	opLookupBatch  = "batch lookup"
	opUpdateBatch  = "batch update"
	opDeleteBatch  = "batch delete"
	opDrainBatch   = "batch lookup and delete"
	opPush         = "push"
	opPeek         = "peek"
	opPop          = "pop"
)
