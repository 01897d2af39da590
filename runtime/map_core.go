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

// mapIn returns the map in m, or nil if m is a nil or zero map of any type. All types that
// implement AnyMap are pointers.
func mapIn(m AnyMap) *Map {
	if m == nil || (*[2]unsafe.Pointer)(unsafe.Pointer(&m))[1] == nil {
		return nil
	}
	of := m.untyped()
	if of == nil || of.desc == nil {
		return nil
	}
	return of
}

// UpdateFlags control whether and how an update is done.
type UpdateFlags uint64

const (
	// Any creates the key or replaces its value.
	Any UpdateFlags = sys.ElemAny
	// NoExist only creates: it fails with [ErrKeyExist] if the key exists.
	NoExist UpdateFlags = sys.ElemNoExist
	// Exist only replaces: it fails with [ErrKeyNotExist] if the key does not exist.
	Exist UpdateFlags = sys.ElemExist
	// Locked holds the value's struct bpf_spin_lock while writing. It can be combined with the
	// others.
	Locked UpdateFlags = sys.FlagLock
)

// ref is embedded in typed maps: a Map with only the methods that all types of maps have.
//
// A pointer to a typed map is the pointer to the Map, converted to another type, so a typed map
// takes no additional memory. The methods of a typed map are compiled for each K and V, so they
// only copy keys and values and leave the rest to Map. Wrappers of promoted methods are compiled
// for each K and V as well. That is why typed maps embed ref rather than Map, which has many
// internal methods. For 30 maps with 30 pairs of types, this reduces compile time from more than
// four seconds to one.
//
// The methods convert the pointer instead of using the field: with a nil pointer, taking the
// field's address would be a nil dereference, while Map's methods report what is wrong.
//
// None of these methods is inlined, or each wrapper would contain a copy.
type ref struct{ of Map }

func mapOf(r *ref) *Map { return (*Map)(unsafe.Pointer(r)) }

// Name returns the map's name in the source.
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

// Spec returns the description of the map; see [Map.Spec].
//
//go:noinline
func (r *ref) Spec() *MapSpec { return mapOf(r).Spec() }

// MaxEntries returns the maximum number of entries; see [Map.MaxEntries].
//
//go:noinline
func (r *ref) MaxEntries() uint32 { return mapOf(r).MaxEntries() }

// SetMaxEntries sets the maximum number of entries of a map that is not loaded yet; see
// [Map.SetMaxEntries].
//
//go:noinline
func (r *ref) SetMaxEntries(n uint32) { mapOf(r).SetMaxEntries(n) }

// ID returns the map's kernel ID.
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

// Untyped returns the map without its types. Both refer to the same map, and both may be used.
//
//go:noinline
func (r *ref) Untyped() *Map { return mapOf(r) }

//go:noinline
func (r *ref) untyped() *Map { return mapOf(r) }

// fits panics if the Go type of the map's keys or values has a different size: the code was
// generated from another object, or is hand-written and wrong. typ is a nil pointer to the Go type.
//
// what is "key", "value", or, for a map with a value for each CPU, "values". Confusing the last two
// would give the kernel too little memory.
func (m *Map) fits(what string, size uint32, typ any, typeSize uintptr) {
	if what != "key" && (what == "values") != m.isPerCPU() {
		has := "one value"
		if m.isPerCPU() {
			has = "a value for each CPU"
		}
		panic("map " + m.spec().Name + ": the map has " + has + " per key, which does not fit this Go type")
	}
	if typeSize != uintptr(size) {
		panic(fmt.Sprintf("map %s: %s type %s has %d bytes, the map's %s has %d",
			m.spec().Name, what, strings.TrimPrefix(fmt.Sprintf("%T", typ), "*"), typeSize, what, size))
	}
	m.fd.num.CompareAndSwap(0, typed) // for ChangeMap
}

// access holds what the typed operations on a map share, and other state that only some maps have.
//
// It begins with a copy of the object's description of the map, and Map.desc points to that copy.
// So a Map does not grow, and reading the description costs no more.
type access struct {
	desc       MapSpec  // its Slot is NoSlot
	spec       *MapSpec // the object's
	maxEntries uint32
	arena      *load.Area // the memory of a mapped arena
	// For maps of maps: btf is the object's BTF, for NewInner, or a template for the kernel if the
	// object does not describe the inner maps; inner describes them if ChangeMap has changed that.
	btf   fd
	inner *spec.InnerSpec
	// existing is the map for a load to use instead of creating one; see ReuseMap.
	existing fd

	calls sync.Pool // of *call

	// Errors that are normal answers are created once and kept here, which saves three allocations.
	lookupMissing, deleteMissing, lookupDeleteMissing MapError
}

// call is an operation on one element of a map. The kernel is given the addresses of a key and a
// value. A goroutine's stack may move, so both are in heap memory that belongs to the call, and
// calls come from a pool: no allocation per operation, and no address that may change.
type call struct {
	m    *Map
	op   string
	err  error // why no call can be made, such as a closed map
	attr sys.MapElemAttr

	key   unsafe.Pointer // the key's bytes
	value unsafe.Pointer // the value's bytes, of all CPUs for a per-CPU map

	keyWords, valueWords []uint64 // the memory of key and value
}

// access returns the map's access, or nil if it has none yet.
func (m *Map) access() *access { return accessOf(m.spec()) }

// accessOf returns the access that contains desc, or nil. Only the copy in an access has no slot.
func accessOf(desc *MapSpec) *access {
	if desc.Slot != spec.NoSlot {
		return nil
	}
	return (*access)(unsafe.Pointer(desc))
}

// own returns the map's access, which the first caller creates.
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

// begin returns a call on m with a zeroed key. If the map is closed, methods of the call return the
// error. The call must not be used after end.
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
	// Padding, which an assignment does not write, must not be left from an earlier key: the kernel
	// hashes and compares all bytes.
	clear(c.keyWords)
	return c
}

// newCall creates a call whose addresses are stable, because heap memory does not move.
func (m *Map) newCall(op string) *call {
	words, err := m.valueWords()
	c := &call{keyWords: make([]uint64, max(1, (int(m.spec().KeySize)+7)/8)), valueWords: make([]uint64, words)}
	if err != nil {
		c.err = m.wrap(op, err)
	}
	c.key, c.value = unsafe.Pointer(&c.keyWords[0]), unsafe.Pointer(&c.valueWords[0])
	if m.spec().KeySize > 0 { // maps without keys require none
		c.attr.Key = sys.Addr(c.key)
	}
	c.attr.Value = sys.Addr(c.value)
	return c
}

// valueWords returns the size of a call's value in words of 8 bytes. File descriptors may be 4
// bytes and are handled as 8. It fails if the number of possible CPUs, and so what the kernel would
// write, is unknown.
func (m *Map) valueWords() (int, error) {
	words := max(1, (int(m.spec().ValueSize)+7)/8)
	if !m.isPerCPU() {
		return words, nil
	}
	cpus, err := PossibleCPUs()
	return words * max(1, cpus), err
}

// isPerCPU reports whether the map has a value for each possible CPU under each key.
func (m *Map) isPerCPU() bool {
	switch m.spec().Type {
	case sys.MapTypePerCPUHash, sys.MapTypePerCPUArray, sys.MapTypeLRUPerCPUHash, sys.MapTypePerCPUCgroupStorage:
		return true
	}
	return false
}

// end returns the call to the pool.
func (c *call) end() {
	if c.err != nil {
		return
	}
	m := c.m
	c.m = nil // so that the pool keeps no map alive
	m.access().calls.Put(c)
	m.fd.release()
}

// do makes the system call and returns the map's error. The call's value is valid until end.
func (c *call) do(cmd sys.Cmd, flags uint64) error {
	errno, err := c.try(cmd, flags)
	if err == nil && errno != 0 {
		return c.m.missing(c.op, errno)
	}
	return err
}

// try is do without interpreting errno. The error is about the state of the map.
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

// elemCall makes a system call on one element. The kernel requires fields that a command does not
// use to be zero or past the end.
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

// missing returns the error for errno, without allocating for ENOENT.
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
