package runtime

import (
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// queue is a map without keys.
type queue[V any] struct{ ref }

func newQueue[V any](m *Map) queue[V] {
	checkSize[V](m, "value", m.spec().ValueSize)
	return queue[V]{ref{m}}
}

// push adds v. The kernel's flag Exist, of all names, replaces the oldest when there is no room.
func (q queue[V]) push(v V, flags UpdateFlags) error {
	c, err := q.m.begin(opPush)
	if err != nil {
		return err
	}
	*valueAt[V](c) = v
	return q.m.write(c, opPush, flags)
}

func (q queue[V]) take(op string, cmd sys.Cmd) (V, error) {
	var v V
	c, err := q.m.begin(op)
	if err != nil {
		return v, err
	}
	errno := c.do(cmd)
	if errno == 0 {
		v = *valueAt[V](c)
	}
	q.m.end(c)
	switch errno {
	case 0:
		return v, nil
	case unix.ENOENT:
		return v, &MapError{q.m.Name(), op, errEmpty}
	}
	return v, q.m.fail(op, errno)
}

// errEmpty is ErrKeyNotExist for maps without keys.
var errEmpty error = &emptyError{}

type emptyError struct{}

func (*emptyError) Error() string { return "empty" }
func (*emptyError) Unwrap() error { return ErrKeyNotExist }

// QueueMap is a map of type queue (BPF_MAP_TYPE_QUEUE): first in, first out. It is safe for
// concurrent use.
type QueueMap[V any] struct{ queue[V] }

// NewQueueMap gives m its type; see [NewArrayMap].
func NewQueueMap[V any](m *Map) QueueMap[V] { return QueueMap[V]{newQueue[V](m)} }

// Push adds a value at the end, or fails with [ErrMapFull].
func (m QueueMap[V]) Push(v V) error { return m.push(v, Any) }

// PushOver is Push that drops the oldest value if there is no room.
func (m QueueMap[V]) PushOver(v V) error { return m.push(v, Exist) }

// Peek returns the oldest value, or [ErrKeyNotExist] if there is none.
func (m QueueMap[V]) Peek() (V, error) { return m.take(opPeek, sys.CmdMapLookupElem) }

// Pop takes out the oldest value, or fails with [ErrKeyNotExist] if there is none.
func (m QueueMap[V]) Pop() (V, error) { return m.take(opPop, sys.CmdMapLookupAndDeleteElem) }

// StackMap is a map of type stack (BPF_MAP_TYPE_STACK): last in, first out. It is safe for
// concurrent use.
type StackMap[V any] struct{ queue[V] }

// NewStackMap gives m its type; see [NewArrayMap].
func NewStackMap[V any](m *Map) StackMap[V] { return StackMap[V]{newQueue[V](m)} }

// Push adds a value on top, or fails with [ErrMapFull].
func (m StackMap[V]) Push(v V) error { return m.push(v, Any) }

// PushOver is Push that drops the value at the bottom if there is no room.
func (m StackMap[V]) PushOver(v V) error { return m.push(v, Exist) }

// Peek returns the newest value, or [ErrKeyNotExist] if there is none.
func (m StackMap[V]) Peek() (V, error) { return m.take(opPeek, sys.CmdMapLookupElem) }

// Pop takes out the newest value, or fails with [ErrKeyNotExist] if there is none.
func (m StackMap[V]) Pop() (V, error) { return m.take(opPop, sys.CmdMapLookupAndDeleteElem) }

// BloomFilter is a map of type bloom filter (BPF_MAP_TYPE_BLOOM_FILTER): a set that
// may claim to contain what it does not, but never denies what it does. It is safe for concurrent use.
type BloomFilter[V any] struct{ queue[V] }

// NewBloomFilter gives m its type; see [NewArrayMap].
func NewBloomFilter[V any](m *Map) BloomFilter[V] { return BloomFilter[V]{newQueue[V](m)} }

// Add puts v into the set.
func (m BloomFilter[V]) Add(v V) error { return m.push(v, Any) }

// Contains tells whether v may be in the set: false is certain.
func (m BloomFilter[V]) Contains(v V) (bool, error) {
	c, err := m.m.begin(opLookup)
	if err != nil {
		return false, err
	}
	*valueAt[V](c) = v
	errno := c.do(sys.CmdMapLookupElem)
	m.m.end(c)
	switch errno {
	case 0:
		return true, nil
	case unix.ENOENT:
		return false, nil
	}
	return false, m.m.fail(opLookup, errno)
}
