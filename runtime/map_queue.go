package runtime

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// take is do for maps without keys, where ENOENT means that the map is empty.
func (c *call) take(cmd sys.Cmd) error {
	errno, err := c.try(cmd, 0)
	switch {
	case err != nil:
		return err
	case errno == 0:
		return nil
	case errno == unix.ENOENT:
		return newMapError(c.m.Name(), c.op, errEmpty)
	}
	return c.m.fail(c.op, errno)
}

// errEmpty is ErrKeyNotExist for maps without keys.
var errEmpty error = &emptyError{}

type emptyError struct{}

func (*emptyError) Error() string { return "empty" }
func (*emptyError) Unwrap() error { return ErrKeyNotExist }

// QueueMap is a map of type queue (BPF_MAP_TYPE_QUEUE): first in, first out. It is safe for
// concurrent use.
type QueueMap[V any] struct{ ref }

// NewQueueMap returns m as a QueueMap; see [NewHashMap].
func NewQueueMap[V any](m *Map) *QueueMap[V] {
	m.fits("value", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*QueueMap[V])(unsafe.Pointer(m))
}

func (q *QueueMap[V]) m() *Map { return (*Map)(unsafe.Pointer(q)) }

// Push adds a value at the end, or fails with [ErrMapFull].
func (q *QueueMap[V]) Push(v V) error {
	c := q.m().begin(opPush)
	*(*V)(c.value) = v
	return c.update(Any)
}

// PushOver is like Push, but drops the oldest value if the queue is full.
func (q *QueueMap[V]) PushOver(v V) error {
	c := q.m().begin(opPush)
	*(*V)(c.value) = v
	return c.update(Exist) // oddly, the kernel's flag for overwriting (queue_stack_map_push_elem)
}

// Peek returns the oldest value, or [ErrKeyNotExist] if there is none.
func (q *QueueMap[V]) Peek() (v V, err error) {
	c := q.m().begin(opPeek)
	if err = c.take(sys.CmdMapLookupElem); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// Pop removes and returns the oldest value, or fails with [ErrKeyNotExist] if there is none.
func (q *QueueMap[V]) Pop() (v V, err error) {
	c := q.m().begin(opPop)
	if err = c.take(sys.CmdMapLookupAndDeleteElem); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// StackMap is a map of type stack (BPF_MAP_TYPE_STACK): last in, first out. It is safe for
// concurrent use.
type StackMap[V any] struct{ ref }

// NewStackMap returns m as a StackMap; see [NewHashMap].
func NewStackMap[V any](m *Map) *StackMap[V] {
	m.fits("value", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*StackMap[V])(unsafe.Pointer(m))
}

func (q *StackMap[V]) m() *Map { return (*Map)(unsafe.Pointer(q)) }

// Push adds a value on top, or fails with [ErrMapFull].
func (q *StackMap[V]) Push(v V) error {
	c := q.m().begin(opPush)
	*(*V)(c.value) = v
	return c.update(Any)
}

// PushOver is like Push, but drops the value at the bottom if the stack is full.
func (q *StackMap[V]) PushOver(v V) error {
	c := q.m().begin(opPush)
	*(*V)(c.value) = v
	return c.update(Exist) // oddly, the kernel's flag for overwriting (queue_stack_map_push_elem)
}

// Peek returns the newest value, or [ErrKeyNotExist] if there is none.
func (q *StackMap[V]) Peek() (v V, err error) {
	c := q.m().begin(opPeek)
	if err = c.take(sys.CmdMapLookupElem); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// Pop removes and returns the newest value, or fails with [ErrKeyNotExist] if there is none.
func (q *StackMap[V]) Pop() (v V, err error) {
	c := q.m().begin(opPop)
	if err = c.take(sys.CmdMapLookupAndDeleteElem); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// BloomFilter is a map of type bloom filter (BPF_MAP_TYPE_BLOOM_FILTER): a set whose lookups may
// have false positives but no false negatives. It is safe for concurrent use.
type BloomFilter[V any] struct{ ref }

// NewBloomFilter returns m as a BloomFilter; see [NewHashMap].
func NewBloomFilter[V any](m *Map) *BloomFilter[V] {
	m.fits("value", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*BloomFilter[V])(unsafe.Pointer(m))
}

func (b *BloomFilter[V]) m() *Map { return (*Map)(unsafe.Pointer(b)) }

// Add adds v to the set.
func (b *BloomFilter[V]) Add(v V) error {
	c := b.m().begin(opPush)
	*(*V)(c.value) = v
	return c.update(Any)
}

// Contains reports whether v may be in the set. False is certain.
func (b *BloomFilter[V]) Contains(v V) (bool, error) {
	c := b.m().begin(opLookup)
	*(*V)(c.value) = v
	return c.contains()
}

// contains reports whether the map has the call's value, and ends the call.
func (c *call) contains() (bool, error) {
	errno, err := c.try(sys.CmdMapLookupElem, 0)
	m := c.m
	c.end()
	switch {
	case err != nil:
		return false, err
	case errno == 0:
		return true, nil
	case errno == unix.ENOENT:
		return false, nil
	}
	return false, m.fail(opLookup, errno)
}
