package runtime

import (
	"fmt"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// isBytes reports whether records are raw bytes. typ is a nil pointer to their type.
func isBytes(typ any) bool {
	_, ok := typ.(*[]byte)
	return ok
}

// slice returns the record's bytes, without copying them.
func (r *record) slice() []byte {
	return unsafe.Slice((*byte)(r.bytes), r.size)
}

// clone returns a copy of the record's bytes.
func (r *record) clone() []byte { return append([]byte(nil), r.slice()...) }

// RecordSizeError means that the size of a record differs from that of its Go type. The reader has
// skipped the record, and can continue.
type RecordSizeError struct {
	Record int // bytes
	Type   int // bytes
}

// Error returns both sizes.
func (e *RecordSizeError) Error() string {
	return fmt.Sprintf("record has %d bytes, but its type has %d", e.Record, e.Type)
}

// Unwrap returns unix.EMSGSIZE.
func (e *RecordSizeError) Unwrap() error { return unix.EMSGSIZE }
