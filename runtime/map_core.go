package runtime

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// AnyMap is a [*Map] or one of the typed maps.
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

// ref is what typed maps are made of: a Map, with those of its methods that all kinds have.
//
// A pointer to a typed map is the pointer to the Map, seen as another type: it takes no memory of
// its own. The methods of a typed map are compiled anew for each K and V, so they only put a key or
// value where it belongs and leave the rest to Map; and so is a wrapper for each method of what it
// embeds, which is why that is not Map, which has many that are no user's business. For 30 maps of
// 30 pairs of types all this is the difference between one second and more than four.
//
// The methods get at the Map by a conversion, not by the field: of a nil pointer the field's
// address would be a nil dereference, while Map says what is wrong.
//
// None of these methods is inlined, or each wrapper would have a copy.
type ref struct{ of Map }

func mapOf(r *ref) *Map { return (*Map)(unsafe.Pointer(r)) }

// Name returns the name that the map has in the source.
//
//go:noinline
func (r *ref) Name() string { return mapOf(r).Name() }

// FD returns the map's file descriptor; see [Map.FD].
//
//go:noinline
func (r *ref) FD() int { return mapOf(r).FD() }

// DupFD returns a new file descriptor for the map, which the caller owns.
//
//go:noinline
func (r *ref) DupFD() (int, error) { return mapOf(r).DupFD() }

// Spec describes the map as the object defines it.
//
//go:noinline
func (r *ref) Spec() *MapSpec { return mapOf(r).Spec() }

// MaxEntries returns the number of entries that the map is created with; see [Map.MaxEntries].
//
//go:noinline
func (r *ref) MaxEntries() uint32 { return mapOf(r).MaxEntries() }

// SetMaxEntries changes the number of entries of a map that is not loaded yet; see
// [Map.SetMaxEntries].
//
//go:noinline
func (r *ref) SetMaxEntries(n uint32) { mapOf(r).SetMaxEntries(n) }

// ID returns the number by which the kernel knows the map.
//
//go:noinline
func (r *ref) ID() (uint32, error) { return mapOf(r).ID() }

// Pin gives the map a name in a BPF file system; see [Map.Pin].
//
//go:noinline
func (r *ref) Pin(path string) error { return mapOf(r).Pin(path) }

// Freeze makes the map read-only for user space; see [Map.Freeze].
//
//go:noinline
func (r *ref) Freeze() error { return mapOf(r).Freeze() }

// Frozen reports whether the map is read-only for user space; see [Map.Frozen].
//
//go:noinline
func (r *ref) Frozen() (bool, error) { return mapOf(r).Frozen() }

// Untyped returns the map without its types: the same map, of which each may be used.
//
//go:noinline
func (r *ref) Untyped() *Map { return mapOf(r) }

//go:noinline
func (r *ref) untyped() *Map { return mapOf(r) }

// fits panics if a type that stands for a map's keys or values does not have their size: the code
// was generated from another object, or written by hand and wrong. The type comes as a nil pointer
// to it.
//
// What is a "key", a "value", or "values", of a map with one for each CPU. To mix up the latter two
// would be to give the kernel memory that is too small.
func (m *Map) fits(what string, size uint32, typ any, typeSize uintptr) {
	if what != "key" && (what == "values") != m.isPerCPU() {
		has := "one value"
		if m.isPerCPU() {
			has = "a value for each CPU"
		}
		panic("map " + m.spec().Name + ": the map has " + has + " under each key, which this Go type is not for")
	}
	if typeSize != uintptr(size) {
		panic(fmt.Sprintf("map %s: %s type %s has %d bytes, the map's %s has %d",
			m.spec().Name, what, strings.TrimPrefix(fmt.Sprintf("%T", typ), "*"), typeSize, what, size))
	}
	m.fd.num.CompareAndSwap(0, typed) // for ChangeMap
}

// access is what the typed operations on a map share, and what else not every map has.
//
// It takes the place of the object's description of the map, of which it begins with a copy: so a
// Map is no larger for it, and reading the description costs nothing more.
type access struct {
	desc       MapSpec  // its Slot is NoSlot
	spec       *MapSpec // the object's
	maxEntries uint32
	arena      *load.Area // its memory, if it is one and mapped
	// Of a map of maps: the object's BTF, for NewInner, or what the kernel looks at if the object
	// does not say what it holds; and what it holds if that is not the object's any more. See
	// ChangeMap.
	btf   fd
	inner *spec.InnerSpec
	// existing is the map that a load is to use instead of creating one; see ReuseMap.
	existing fd

	calls sync.Pool // of *call

	// Errors that are no exception but an answer are made only once, and are in here: three
	// allocations less.
	lookupMissing, deleteMissing, lookupDeleteMissing MapError
}

// call is an operation on one element of a map. The kernel is given addresses of a key and a value.
// A goroutine's stack may move, so they are in a call, on the heap, which a pool hands out: no
// allocation per operation, and no address of a variable that may move.
type call struct {
	m    *Map
	op   string
	err  error // why there is nothing to call, such as that the map is closed
	attr sys.MapElemAttr

	key   unsafe.Pointer // the key's bytes
	value unsafe.Pointer // the value's, of all CPUs if it is one of several

	keyWords, valueWords []uint64 // where these are
}

// access returns what the map has beside its description, nil if it has nothing yet.
func (m *Map) access() *access { return accessOf(m.spec()) }

// accessOf returns what a map's description is a part of: the copy in an access has no slot, the
// object's own has one.
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
		lookupMissing:       MapError{Map: object.Name, Op: opLookup, Err: ErrKeyNotExist},
		deleteMissing:       MapError{Map: object.Name, Op: opDelete, Err: ErrKeyNotExist},
		lookupDeleteMissing: MapError{Map: object.Name, Op: opLookupDelete, Err: ErrKeyNotExist},
	}
	a.desc.Slot = spec.NoSlot
	atomic.CompareAndSwapPointer(&m.desc, unsafe.Pointer(object), unsafe.Pointer(&a.desc))
	return m.access()
}

// begin returns a call on m with a key of zeros. If the map is closed, what the call does says so.
// After end the call must not be touched.
func (m *Map) begin(op string) *call {
	a := m.own()
	c, ok := a.calls.Get().(*call)
	if !ok {
		c = m.newCall(op)
	}
	c.m, c.op = m, op
	if c.err == nil {
		num, err := m.fd.acquire()
		if err != nil {
			c.err = m.wrap(op, err)
		}
		c.attr.MapFd = uint32(num)
	}
	// Padding that an assignment leaves alone must not be a former key's:
	// the kernel hashes and compares all bytes.
	clear(c.keyWords)
	return c
}

// newCall makes a call with addresses that stay: what is on the heap does not move.
func (m *Map) newCall(op string) *call {
	words, err := m.valueWords()
	c := &call{keyWords: make([]uint64, max(1, (int(m.spec().KeySize)+7)/8)), valueWords: make([]uint64, words)}
	if err != nil {
		c.err = m.wrap(op, err)
	}
	c.key, c.value = unsafe.Pointer(&c.keyWords[0]), unsafe.Pointer(&c.valueWords[0])
	if m.spec().KeySize > 0 { // maps without keys want none
		c.attr.Key = sys.Addr(c.key)
	}
	c.attr.Value = sys.Addr(c.value)
	return c
}

// valueWords is the room that a call's value needs, in words of 8 bytes. Those of file descriptors
// may be 4 bytes and are handled as 8. The error is that it is not known how many CPUs' values the
// kernel would write.
func (m *Map) valueWords() (int, error) {
	words := max(1, (int(m.spec().ValueSize)+7)/8)
	if !m.isPerCPU() {
		return words, nil
	}
	cpus, err := PossibleCPUs()
	return words * max(1, cpus), err
}

// isPerCPU is true for maps with a value for each possible CPU under each key.
func (m *Map) isPerCPU() bool {
	switch m.spec().Type {
	case sys.MapTypePerCPUHash, sys.MapTypePerCPUArray, sys.MapTypeLRUPerCPUHash, sys.MapTypePerCPUCgroupStorage:
		return true
	}
	return false
}

// end gives the call back.
func (c *call) end() {
	if c.err != nil {
		return
	}
	m := c.m
	c.m = nil // what the pool has keeps no map alive
	m.access().calls.Put(c)
	m.fd.release()
}

// do makes the system call, and returns the map's error. The call's value may be used until end.
func (c *call) do(cmd sys.Cmd, flags uint64) error {
	errno, err := c.try(cmd, flags)
	if err == nil && errno != 0 {
		return c.m.missing(c.op, errno)
	}
	return err
}

// try is do that leaves it to the caller what errno means. The error is that the map is closed.
func (c *call) try(cmd sys.Cmd, flags uint64) (unix.Errno, error) {
	if c.err != nil {
		return 0, c.err
	}
	c.attr.Flags = flags
	return elemCall(cmd, &c.attr), nil
}

// update sets the element, and ends the call.
func (c *call) update(flags UpdateFlags) error {
	errno, err := c.try(sys.CmdMapUpdateElem, uint64(flags))
	m, op := c.m, c.op
	c.end()
	if err == nil && errno != 0 {
		return m.fail(op, errno)
	}
	return err
}

// delete removes the element, and ends the call.
func (c *call) delete() error {
	err := c.do(sys.CmdMapDeleteElem, 0)
	c.end()
	return err
}

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

// missing makes an error of errno; ENOENT becomes a ready-made one.
func (m *Map) missing(op string, errno unix.Errno) error {
	if errno == unix.ENOENT {
		a := m.access()
		switch op {
		case opLookup:
			return &a.lookupMissing
		case opDelete:
			return &a.deleteMissing
		case opLookupDelete:
			return &a.lookupDeleteMissing
		}
	}
	return m.fail(op, errno)
}
