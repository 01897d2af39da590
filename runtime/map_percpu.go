package runtime

import (
	"iter"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// perCPU is a map with one value per possible CPU under each key.
//
// The kernel's values are 8 bytes apart or a multiple of it, whatever their
// size, so they pass through a buffer, one word for each 8 bytes.
type perCPU[K, V any] struct {
	*Map
	shared *perCPUShared
}

type perCPUShared struct {
	calls sync.Pool // of *perCPUCall[K]
	cpus  int
	words int // from one CPU's value to the next

	lookupMissing, deleteMissing, lookupDeleteMissing error
}

type perCPUCall[K any] struct {
	attr   sys.MapElemAttr
	key    K
	values []uint64
}

func newPerCPU[K, V any](m *Map) perCPU[K, V] {
	checkKey[K](m)
	checkSize[V](m, "value", m.spec.ValueSize)
	cpus, err := PossibleCPUs()
	if err != nil {
		cpus = 0 // no sysfs: say so when it is used
	}
	s := &perCPUShared{
		cpus:                cpus,
		words:               (int(m.spec.ValueSize) + 7) / 8,
		lookupMissing:       m.fail(opLookup, unix.ENOENT),
		deleteMissing:       m.fail(opDelete, unix.ENOENT),
		lookupDeleteMissing: m.fail(opLookupDelete, unix.ENOENT),
	}
	s.calls.New = func() any {
		c := &perCPUCall[K]{values: make([]uint64, max(1, s.cpus*s.words))}
		c.attr.Key = uint64(uintptr(unsafe.Pointer(&c.key)))
		c.attr.Value = uint64(uintptr(unsafe.Pointer(&c.values[0])))
		return c
	}
	return perCPU[K, V]{m, s}
}

func (p perCPU[K, V]) begin(op string, k K) (*perCPUCall[K], error) {
	if p.shared.cpus == 0 {
		_, err := PossibleCPUs()
		return nil, p.wrap(op, err)
	}
	num, err := p.fd.acquire()
	if err != nil {
		return nil, p.wrap(op, err)
	}
	c := p.shared.calls.Get().(*perCPUCall[K])
	c.attr.MapFd = uint32(num)
	c.attr.Flags = 0
	// As in table.begin: no former key's padding.
	clear(unsafe.Slice((*byte)(unsafe.Pointer(&c.key)), unsafe.Sizeof(c.key)))
	c.key = k
	return c, nil
}

func (p perCPU[K, V]) end(c *perCPUCall[K]) {
	p.shared.calls.Put(c)
	p.fd.release()
}

func (c *perCPUCall[K]) do(cmd int) unix.Errno {
	return elemCall(cmd, &c.attr)
}

// CPUs returns the number of values under each key: of CPUs that the machine
// may ever have.
func (p perCPU[K, V]) CPUs() int { return p.shared.cpus }

// Lookup returns the values of k, one per possible CPU, or [ErrKeyNotExist].
func (p perCPU[K, V]) Lookup(k K) ([]V, error) {
	values := make([]V, p.shared.cpus)
	if err := p.LookupInto(k, values); err != nil {
		return nil, err
	}
	return values, nil
}

// LookupInto is Lookup without an allocation: values has to have CPUs elements.
func (p perCPU[K, V]) LookupInto(k K, values []V) error {
	return p.read(opLookup, unix.BPF_MAP_LOOKUP_ELEM, k, values, p.shared.lookupMissing)
}

func (p perCPU[K, V]) read(op string, cmd int, k K, values []V, missing error) error {
	if len(values) != p.shared.cpus {
		return &MapError{p.Name(), op, errCPUCount}
	}
	c, err := p.begin(op, k)
	if err != nil {
		return err
	}
	errno := c.do(cmd)
	if errno == 0 {
		spread(values, c.values, p.shared.words)
	}
	p.end(c)
	switch errno {
	case 0:
		return nil
	case unix.ENOENT:
		return missing
	}
	return p.fail(op, errno)
}

// Update sets the values of k, one per possible CPU. It fails as [HashMap]'s does.
func (p perCPU[K, V]) Update(k K, values []V, flags UpdateFlags) error {
	if len(values) != p.shared.cpus {
		return &MapError{p.Name(), opUpdate, errCPUCount}
	}
	c, err := p.begin(opUpdate, k)
	if err != nil {
		return err
	}
	c.attr.Flags = uint64(flags)
	clear(c.values)
	for i := range values {
		*(*V)(unsafe.Pointer(&c.values[i*p.shared.words])) = values[i]
	}
	errno := c.do(unix.BPF_MAP_UPDATE_ELEM)
	p.end(c)
	if errno != 0 {
		return p.fail(opUpdate, errno)
	}
	return nil
}

func (p perCPU[K, V]) delete(k K) error {
	c, err := p.begin(opDelete, k)
	if err != nil {
		return err
	}
	errno := c.do(unix.BPF_MAP_DELETE_ELEM)
	p.end(c)
	switch errno {
	case 0:
		return nil
	case unix.ENOENT:
		return p.shared.deleteMissing
	}
	return p.fail(opDelete, errno)
}

// All iterates over all entries, in no order, as [HashMap]'s does. The slice is the loop's to keep.
func (p perCPU[K, V]) All() iter.Seq2[K, []V] {
	var err error
	return p.AllErr(&err)
}

// AllErr is All that sets *err when the iteration ends: to nil, or to what
// ended it early.
func (p perCPU[K, V]) AllErr(err *error) iter.Seq2[K, []V] {
	return func(yield func(K, []V) bool) {
		if p.shared.cpus == 0 {
			_, *err = PossibleCPUs()
			return
		}
		*err = walk(p.Map, p.shared.cpus*p.shared.words, func(k K, words []uint64) bool {
			values := make([]V, p.shared.cpus)
			spread(values, words, p.shared.words)
			return yield(k, values)
		})
	}
}

// spread copies values out of a buffer where they are that many words apart.
func spread[V any](values []V, buf []uint64, words int) {
	for i := range values {
		values[i] = *(*V)(unsafe.Pointer(&buf[i*words]))
	}
}

var errCPUCount error = &sentinelError{"there has to be one value per possible CPU", unix.EINVAL}

// PerCPUHashMap is a map of type per-CPU hash or per-CPU LRU hash
// (BPF_MAP_TYPE_PERCPU_HASH, LRU_PERCPU_HASH): under each key one value per possible CPU.
//
// K and V have the size and layout of the C types and hold no Go pointers.
// A PerCPUHashMap is a small value; copies are the same map. It is safe for concurrent use.
type PerCPUHashMap[K, V any] struct{ perCPU[K, V] }

// NewPerCPUHashMap gives m its types; see [NewHashMap].
func NewPerCPUHashMap[K, V any](m *Map) PerCPUHashMap[K, V] {
	return PerCPUHashMap[K, V]{newPerCPU[K, V](m)}
}

// Delete removes k with all its values, or fails with [ErrKeyNotExist].
func (h PerCPUHashMap[K, V]) Delete(k K) error { return h.delete(k) }

// LookupAndDelete removes k and returns the values that it had, in one step (5.14).
func (h PerCPUHashMap[K, V]) LookupAndDelete(k K) ([]V, error) {
	values := make([]V, h.shared.cpus)
	err := h.read(opLookupDelete, unix.BPF_MAP_LOOKUP_AND_DELETE_ELEM, k, values, h.shared.lookupDeleteMissing)
	if err != nil {
		return nil, err
	}
	return values, nil
}

// PerCPUArrayMap is a map of type per-CPU array (BPF_MAP_TYPE_PERCPU_ARRAY):
// under each index one value per possible CPU. It is safe for concurrent use.
type PerCPUArrayMap[V any] struct{ perCPU[uint32, V] }

// NewPerCPUArrayMap gives m its type; see [NewArrayMap].
func NewPerCPUArrayMap[V any](m *Map) PerCPUArrayMap[V] {
	return PerCPUArrayMap[V]{newPerCPU[uint32, V](m)}
}
