package loader

import (
	"encoding/binary"
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// blob is the blob under construction: the slots, the license, then a record for each step, in the
// order of the steps. All items are aligned to 8 bytes.
type blob struct {
	bo  binary.ByteOrder
	buf []byte
}

// here returns the offset of the next item.
func (b *blob) here() spec.BlobOff { return spec.BlobOff(len(b.buf)) }

// bytes appends raw bytes and pads.
func (b *blob) bytes(p []byte) spec.BlobOff {
	at := b.here()
	b.buf = append(b.buf, p...)
	b.pad()
	return at
}

// zeros appends n zero bytes and pads.
func (b *blob) zeros(n int) spec.BlobOff {
	at := b.here()
	b.buf = append(b.buf, make([]byte, n)...)
	b.pad()
	return at
}

// cstring appends s and its terminating zero.
func (b *blob) cstring(s string) spec.BlobOff {
	at := b.here()
	b.buf = append(b.buf, s...)
	b.buf = append(b.buf, 0)
	b.pad()
	return at
}

// record appends values of fixed size in the blob's byte order: structs of
// package sys, or slices of them.
func (b *blob) record(v any) spec.BlobOff {
	at := b.here()
	buf, err := binary.Append(b.buf, b.bo, v)
	if err != nil {
		panic(fmt.Sprintf("loader: %T does not have a fixed size: %v", v, err))
	}
	b.buf = buf
	b.pad()
	return at
}

// attr appends the first size bytes of an attr. The kernel accepts any prefix of union bpf_attr,
// and an older kernel refuses bytes that it does not know unless they are zero
// (bpf_check_uarg_tail_zero).
func (b *blob) attr(v any, size uintptr) spec.BlobOff {
	at := b.here()
	buf, err := binary.Append(b.buf, b.bo, v)
	if err != nil {
		panic(fmt.Sprintf("loader: %T does not have a fixed size: %v", v, err))
	}
	b.buf = buf[:int(at)+int(size)]
	b.pad()
	return at
}

func (b *blob) pad() {
	for len(b.buf)%8 != 0 {
		b.buf = append(b.buf, 0)
	}
}
