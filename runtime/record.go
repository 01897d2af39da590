package runtime

import (
	"fmt"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// isBytes reports whether the records of a type, of which a nil pointer is given, are bytes as they
// are.
func isBytes(typ any) bool {
	_, ok := typ.(*[]byte)
	return ok
}

// slice is the record's bytes where they are.
func (r *record) slice() []byte {
	return unsafe.Slice((*byte)(r.bytes), r.size)
}

// clone is a copy of the record's bytes.
func (r *record) clone() []byte { return append([]byte(nil), r.slice()...) }

// RecordSizeError means that a record is not of the type that it is read as.
// The reader has passed it: what comes next can be read.
type RecordSizeError struct {
	Record int // bytes
	Type   int // bytes
}

// Error returns both sizes.
func (e *RecordSizeError) Error() string {
	return fmt.Sprintf("record has %d bytes, its type has %d", e.Record, e.Type)
}

// Unwrap returns unix.EMSGSIZE.
func (e *RecordSizeError) Unwrap() error { return unix.EMSGSIZE }
