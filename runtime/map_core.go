package runtime

import (
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// AnyMap is a [*Map] or one of the typed maps around it.
type AnyMap interface {
	Name() string
	FD() int
	DupFD() (int, error)
	Spec() *MapSpec
	untyped() *Map
}

func (m *Map) untyped() *Map { return m }

// UpdateFlags says when an update may happen and how.
type UpdateFlags uint64

const (
	// Any creates the key or replaces its value.
	Any UpdateFlags = 0
	// NoExist only creates: [ErrKeyExist] if the key is there.
	NoExist UpdateFlags = 1
	// Exist only replaces: [ErrKeyNotExist] if the key is not there.
	Exist UpdateFlags = 2
	// Locked holds the value's struct bpf_spin_lock while it is written. Add it
	// to one of the others.
	Locked UpdateFlags = 4
)

// table is a map with keys K and values V of fixed sizes: the operations that
// the typed maps are made of.
//
// The kernel is given addresses of a key and a value. A goroutine's stack may
// move, so they are in a call, on the heap, which a pool hands out: no
// allocation per operation, and no address of a variable that may move.
type table[K, V any] struct {
	*Map
	shared *tableShared
}

// tableShared is what the copies of one table share.
type tableShared struct {
	calls sync.Pool // of *call[K, V]

	// Errors that are no exception but an answer are made only once.
	lookupMissing, deleteMissing, lookupDeleteMissing error
}

// call is an operation's arguments. The addresses of key and value in attr
// are set once: what is on the heap does not move.
type call[K, V any] struct {
	attr  sys.MapElemAttr
	key   K
	value V
}

func newTable[K, V any](m *Map) table[K, V] {
	checkKey[K](m)
	checkSize[V](m, "value", m.spec.ValueSize)
	return newTableUnchecked[K, V](m)
}

func newTableUnchecked[K, V any](m *Map) table[K, V] {
	s := &tableShared{
		lookupMissing:       m.fail(opLookup, unix.ENOENT),
		deleteMissing:       m.fail(opDelete, unix.ENOENT),
		lookupDeleteMissing: m.fail(opLookupDelete, unix.ENOENT),
	}
	s.calls.New = func() any {
		c := new(call[K, V])
		if unsafe.Sizeof(c.key) > 0 { // maps without keys want none
			c.attr.Key = uint64(uintptr(unsafe.Pointer(&c.key)))
		}
		c.attr.Value = uint64(uintptr(unsafe.Pointer(&c.value)))
		return c
	}
	return table[K, V]{m, s}
}

func checkKey[K any](m *Map) { checkSize[K](m, "key", m.spec.KeySize) }

// checkSize panics if T is not what m holds: code that was generated from
// another object, or written by hand and wrong.
func checkSize[T any](m *Map, what string, size uint32) {
	var t T
	if unsafe.Sizeof(t) != uintptr(size) {
		panic(fmt.Sprintf("map %s: %s type %T has %d bytes, the map's %s has %d",
			m.spec.Name, what, t, unsafe.Sizeof(t), what, size))
	}
}

// begin returns a call on the map with its key set. After end it must not be
// touched.
func (t table[K, V]) begin(op string, k K) (*call[K, V], error) {
	num, err := t.fd.acquire()
	if err != nil {
		return nil, t.wrap(op, err)
	}
	c := t.shared.calls.Get().(*call[K, V])
	c.attr.MapFd = uint32(num)
	c.attr.Flags = 0
	// Padding that the assignment leaves alone must not be a former key's:
	// the kernel hashes and compares all bytes.
	clear(unsafe.Slice((*byte)(unsafe.Pointer(&c.key)), unsafe.Sizeof(c.key)))
	c.key = k
	return c, nil
}

func (t table[K, V]) end(c *call[K, V]) {
	t.shared.calls.Put(c)
	t.fd.release()
}

func (c *call[K, V]) do(cmd int) unix.Errno {
	return elemCall(cmd, &c.attr)
}

// elemCall makes a system call on one element. The kernel insists that fields
// that a command does not know are zero or past the end.
func elemCall(cmd int, attr *sys.MapElemAttr) unix.Errno {
	size := unsafe.Sizeof(*attr)
	switch cmd {
	case unix.BPF_MAP_DELETE_ELEM:
		size = unsafe.Offsetof(attr.Value)
	case unix.BPF_MAP_GET_NEXT_KEY:
		size = unsafe.Offsetof(attr.Flags)
	}
	_, errno := sys.BPF(cmd, unsafe.Pointer(attr), size)
	return errno
}

// Lookup returns the value of k, or [ErrKeyNotExist].
func (t table[K, V]) Lookup(k K) (V, error) { return t.lookup(k, 0) }

// LookupLocked is Lookup that holds the value's struct bpf_spin_lock while it
// reads (BPF_F_LOCK), so that it sees no half of what a program writes.
func (t table[K, V]) LookupLocked(k K) (V, error) { return t.lookup(k, uint64(Locked)) }

func (t table[K, V]) lookup(k K, flags uint64) (V, error) {
	c, err := t.begin(opLookup, k)
	if err != nil {
		var none V
		return none, err
	}
	c.attr.Flags = flags
	errno := c.do(unix.BPF_MAP_LOOKUP_ELEM)
	v := c.value
	t.end(c)
	if errno != 0 {
		var none V
		return none, t.missing(opLookup, errno, t.shared.lookupMissing)
	}
	return v, nil
}

// LookupInto is Lookup for values that are too large to be handed around.
func (t table[K, V]) LookupInto(k K, v *V) error {
	c, err := t.begin(opLookup, k)
	if err != nil {
		return err
	}
	own := c.attr.Value
	c.attr.Value = sys.Addr(unsafe.Pointer(v))
	errno := c.do(unix.BPF_MAP_LOOKUP_ELEM)
	c.attr.Value = own
	t.end(c)
	return t.missing(opLookup, errno, t.shared.lookupMissing)
}

// Update sets the value of k. It fails with [ErrKeyExist], [ErrKeyNotExist]
// as flags ask for, or [ErrMapFull].
func (t table[K, V]) Update(k K, v V, flags UpdateFlags) error {
	c, err := t.begin(opUpdate, k)
	if err != nil {
		return err
	}
	c.attr.Flags = uint64(flags)
	c.value = v
	errno := c.do(unix.BPF_MAP_UPDATE_ELEM)
	t.end(c)
	if errno != 0 {
		return t.fail(opUpdate, errno)
	}
	return nil
}

func (t table[K, V]) delete(k K) error {
	c, err := t.begin(opDelete, k)
	if err != nil {
		return err
	}
	errno := c.do(unix.BPF_MAP_DELETE_ELEM)
	t.end(c)
	return t.missing(opDelete, errno, t.shared.deleteMissing)
}

func (t table[K, V]) lookupAndDelete(k K) (V, error) {
	c, err := t.begin(opLookupDelete, k)
	if err != nil {
		var none V
		return none, err
	}
	errno := c.do(unix.BPF_MAP_LOOKUP_AND_DELETE_ELEM)
	v := c.value
	t.end(c)
	if errno != 0 {
		var none V
		return none, t.missing(opLookupDelete, errno, t.shared.lookupDeleteMissing)
	}
	return v, nil
}

// missing makes an error of errno, nil for 0; ENOENT becomes the ready-made one.
func (t table[K, V]) missing(op string, errno unix.Errno, ready error) error {
	switch errno {
	case 0:
		return nil
	case unix.ENOENT:
		return ready
	}
	return t.fail(op, errno)
}
