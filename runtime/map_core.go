package runtime

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
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
	Any UpdateFlags = sys.ElemAny
	// NoExist only creates: [ErrKeyExist] if the key is there.
	NoExist UpdateFlags = sys.ElemNoExist
	// Exist only replaces: [ErrKeyNotExist] if the key is not there.
	Exist UpdateFlags = sys.ElemExist
	// Locked holds the value's struct bpf_spin_lock while it is written. Add it
	// to one of the others.
	Locked UpdateFlags = sys.FlagLock
)

// ref is the untyped map under a typed one, with the methods that all kinds have.
//
// It is embedded where *Map could be: a generic type is compiled anew for each K and V,
// with a wrapper for each method of what it embeds, and a Map has many that are no user's business.
type ref struct{ m *Map }

// Name returns the name that the map has in the source.
func (r ref) Name() string { return r.m.Name() }

// FD returns the map's file descriptor; see [Map.FD].
func (r ref) FD() int { return r.m.FD() }

// DupFD returns a new file descriptor for the map, which the caller owns.
func (r ref) DupFD() (int, error) { return r.m.DupFD() }

// Spec describes the map as the object defines it.
func (r ref) Spec() *MapSpec { return r.m.Spec() }

// MaxEntries returns the number of entries that the map is created with; see [Map.MaxEntries].
func (r ref) MaxEntries() uint32 { return r.m.MaxEntries() }

// SetMaxEntries changes the number of entries of a map that is not loaded yet; see [Map.SetMaxEntries].
func (r ref) SetMaxEntries(n uint32) { r.m.SetMaxEntries(n) }

// ID returns the number by which the kernel knows the map.
func (r ref) ID() (uint32, error) { return r.m.ID() }

// Pin gives the map a name in a BPF file system; see [Map.Pin].
func (r ref) Pin(path string) error { return r.m.Pin(path) }

// Freeze makes the map read-only for user space; see [Map.Freeze].
func (r ref) Freeze() error { return r.m.Freeze() }

// Frozen tells whether the map is read-only for user space; see [Map.Frozen].
func (r ref) Frozen() (bool, error) { return r.m.Frozen() }

// Untyped returns the map without its types.
func (r ref) Untyped() *Map { return r.m }

func (r ref) untyped() *Map { return r.m }

// table is a map with keys K and values V of fixed sizes: the operations that
// the typed maps are made of. What does not depend on K and V is in methods of Map.
type table[K, V any] struct{ ref }

func newTable[K, V any](m *Map) table[K, V] {
	checkKey[K](m)
	checkSize[V](m, "value", m.spec().ValueSize)
	return table[K, V]{ref{m}}
}

func checkKey[K any](m *Map) { checkSize[K](m, "key", m.spec().KeySize) }

// checkSize panics if T is not what m holds: code that was generated from
// another object, or written by hand and wrong.
func checkSize[T any](m *Map, what string, size uint32) {
	var t T
	if unsafe.Sizeof(t) != uintptr(size) {
		panic(fmt.Sprintf("map %s: %s type %T has %d bytes, the map's %s has %d",
			m.spec().Name, what, t, unsafe.Sizeof(t), what, size))
	}
}

// access is what the typed operations on a map share, and what else not every map has.
//
// It takes the place of the object's description of the map, of which it begins with a copy: so a Map
// is no larger for it, and reading the description costs nothing more.
type access struct {
	desc       MapSpec  // its Slot is NoSlot
	spec       *MapSpec // the object's
	maxEntries uint32
	arena      *load.Area // its memory, if it is one and mapped
	btf        fd         // of a map of maps: the object's BTF, for NewInner

	calls sync.Pool // of *call

	// Errors that are no exception but an answer are made only once.
	lookupMissing, deleteMissing, lookupDeleteMissing error
}

// call is an operation's arguments. The kernel is given addresses of a key
// and a value. A goroutine's stack may move, so they are in a call, on the heap, which a pool hands out:
// no allocation per operation, and no address of a variable that may move.
type call struct {
	attr  sys.MapElemAttr
	key   []uint64 // the key's bytes, and room for alignment
	value []uint64 // the value's, of all CPUs if it is one of several
}

// access returns what the map has beside its description, nil if it has nothing yet.
func (m *Map) access() *access { return accessOf(m.spec()) }

// accessOf returns what a map's description is a part of: the copy in an access has no slot, the object's own has one.
func accessOf(desc *MapSpec) *access {
	if desc.Slot != spec.NoSlot {
		return nil
	}
	return (*access)(unsafe.Pointer(desc))
}

// own returns the map's access, made by the first who asks.
func (m *Map) own() *access {
	if a := m.access(); a != nil {
		return a
	}
	return m.makeOwn()
}

func (m *Map) makeOwn() *access {
	object := m.Spec()
	a := &access{
		desc:                *object,
		spec:                object,
		maxEntries:          object.MaxEntries,
		lookupMissing:       m.fail(opLookup, unix.ENOENT),
		deleteMissing:       m.fail(opDelete, unix.ENOENT),
		lookupDeleteMissing: m.fail(opLookupDelete, unix.ENOENT),
	}
	a.desc.Slot = spec.NoSlot
	m.desc.CompareAndSwap(object, &a.desc)
	return m.access()
}

// begin returns a call on m with a key of zeros. After end it must not be touched.
func (m *Map) begin(op string) (*call, error) {
	num, err := m.fd.acquire()
	if err != nil {
		return nil, m.wrap(op, err)
	}
	a := m.own()
	c, ok := a.calls.Get().(*call)
	if !ok {
		if c, err = m.newCall(); err != nil {
			m.fd.release()
			return nil, m.wrap(op, err)
		}
	}
	c.attr.MapFd = uint32(num)
	c.attr.Flags = 0
	// Padding that an assignment leaves alone must not be a former key's:
	// the kernel hashes and compares all bytes.
	clear(c.key)
	return c, nil
}

// newCall makes a call with addresses that stay: what is on the heap does not move.
func (m *Map) newCall() (*call, error) {
	words, err := m.valueWords()
	if err != nil {
		return nil, err
	}
	c := &call{key: make([]uint64, max(1, (int(m.spec().KeySize)+7)/8)), value: make([]uint64, words)}
	if m.spec().KeySize > 0 { // maps without keys want none
		c.attr.Key = sys.Addr(unsafe.Pointer(&c.key[0]))
	}
	c.attr.Value = sys.Addr(unsafe.Pointer(&c.value[0]))
	return c, nil
}

// valueWords is the room that a call's value needs, in words of 8 bytes. Those of file descriptors
// may be 4 bytes and are handled as 8. There is none to give if it is not known how many CPUs' values
// the kernel will write.
func (m *Map) valueWords() (int, error) {
	words := max(1, (int(m.spec().ValueSize)+7)/8)
	if !m.isPerCPU() {
		return words, nil
	}
	cpus, err := PossibleCPUs()
	return words * cpus, err
}

// isPerCPU is true for maps with a value for each possible CPU under each key.
func (m *Map) isPerCPU() bool {
	switch m.spec().Type {
	case sys.MapTypePerCPUHash, sys.MapTypePerCPUArray, sys.MapTypeLRUPerCPUHash, sys.MapTypePerCPUCgroupStorage:
		return true
	}
	return false
}

func (m *Map) end(c *call) {
	m.access().calls.Put(c)
	m.fd.release()
}

func (c *call) do(cmd sys.Cmd) unix.Errno {
	return elemCall(cmd, &c.attr)
}

// keyAt and valueAt are where a call's key and value are.
func keyAt[K any](c *call) *K   { return (*K)(unsafe.Pointer(&c.key[0])) }
func valueAt[V any](c *call) *V { return (*V)(unsafe.Pointer(&c.value[0])) }

// elemCall makes a system call on one element. The kernel insists that fields
// that a command does not know are zero or past the end.
func elemCall(cmd sys.Cmd, attr *sys.MapElemAttr) unix.Errno {
	size := unsafe.Sizeof(*attr)
	switch cmd {
	case sys.CmdMapDeleteElem:
		size = unsafe.Offsetof(attr.Value)
	case sys.CmdMapGetNextKey:
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

func (t table[K, V]) lookup(k K, flags uint64) (v V, err error) {
	c, err := t.m.begin(opLookup)
	if err != nil {
		return v, err
	}
	*keyAt[K](c) = k
	c.attr.Flags = flags
	errno := c.do(sys.CmdMapLookupElem)
	if errno == 0 {
		v = *valueAt[V](c)
	}
	t.m.end(c)
	return v, t.m.missing(opLookup, errno)
}

// LookupInto is Lookup for values that are too large to be handed around.
func (t table[K, V]) LookupInto(k K, v *V) error {
	c, err := t.m.begin(opLookup)
	if err != nil {
		return err
	}
	*keyAt[K](c) = k
	errno := c.do(sys.CmdMapLookupElem)
	if errno == 0 {
		*v = *valueAt[V](c)
	}
	t.m.end(c)
	return t.m.missing(opLookup, errno)
}

// Update sets the value of k. It fails with [ErrKeyExist], [ErrKeyNotExist]
// as flags ask for, or [ErrMapFull].
func (t table[K, V]) Update(k K, v V, flags UpdateFlags) error {
	c, err := t.m.begin(opUpdate)
	if err != nil {
		return err
	}
	*keyAt[K](c) = k
	*valueAt[V](c) = v
	return t.m.write(c, opUpdate, flags)
}

// write ends a call that updates.
func (m *Map) write(c *call, op string, flags UpdateFlags) error {
	c.attr.Flags = uint64(flags)
	errno := c.do(sys.CmdMapUpdateElem)
	m.end(c)
	if errno != 0 {
		return m.fail(op, errno)
	}
	return nil
}

func (t table[K, V]) delete(k K) error { return deleteKey(t.m, k) }

func deleteKey[K any](m *Map, k K) error {
	c, err := m.begin(opDelete)
	if err != nil {
		return err
	}
	*keyAt[K](c) = k
	errno := c.do(sys.CmdMapDeleteElem)
	m.end(c)
	return m.missing(opDelete, errno)
}

func (t table[K, V]) lookupAndDelete(k K) (v V, err error) {
	c, err := t.m.begin(opLookupDelete)
	if err != nil {
		return v, err
	}
	*keyAt[K](c) = k
	errno := c.do(sys.CmdMapLookupAndDeleteElem)
	if errno == 0 {
		v = *valueAt[V](c)
	}
	t.m.end(c)
	return v, t.m.missing(opLookupDelete, errno)
}

// missing makes an error of errno, nil for 0; ENOENT becomes a ready-made one.
func (m *Map) missing(op string, errno unix.Errno) error {
	switch errno {
	case 0:
		return nil
	case unix.ENOENT:
		a := m.access()
		switch op {
		case opLookup:
			return a.lookupMissing
		case opDelete:
			return a.deleteMissing
		case opLookupDelete:
			return a.lookupDeleteMissing
		}
	}
	return m.fail(op, errno)
}
