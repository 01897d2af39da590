package runtime

import (
	"fmt"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// decoder turns a record, which may be the kernel's memory, into a T of its own. The slack is how many
// bytes of padding may follow the T.
type decoder[T any] func(record []byte, slack int) (T, error)

// decodeFixed is the decoder for types of a fixed size.
func decodeFixed[T any](record []byte, slack int) (T, error) {
	var t T
	size := int(unsafe.Sizeof(t))
	if len(record) < size || len(record) > size+slack {
		return t, &RecordSizeError{Record: len(record), Type: size}
	}
	// By bytes: perf records are not aligned.
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&t)), size), record)
	return t, nil
}

func decodeBytes(record []byte, _ int) ([]byte, error) { return append([]byte(nil), record...), nil }

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
