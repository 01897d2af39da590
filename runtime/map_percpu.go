package runtime

import (
	"iter"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// PerCPUHashMap is a map of type per-CPU hash or per-CPU LRU hash (BPF_MAP_TYPE_PERCPU_HASH,
// LRU_PERCPU_HASH), with one value per possible CPU under each key.
//
// K and V must have the size and layout of the C types, and must not contain Go pointers. A
// PerCPUHashMap is safe for concurrent use.
type PerCPUHashMap[K, V any] struct{ ref }

// NewPerCPUHashMap returns m as a PerCPUHashMap; see [NewHashMap].
func NewPerCPUHashMap[K, V any](m *Map) *PerCPUHashMap[K, V] {
	m.fits("key", m.spec().KeySize, (*K)(nil), unsafe.Sizeof(*new(K)))
	m.fits("values", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*PerCPUHashMap[K, V])(unsafe.Pointer(m))
}

func (h *PerCPUHashMap[K, V]) m() *Map { return (*Map)(unsafe.Pointer(h)) }

// CPUs returns the number of values under each key; see [PossibleCPUs].
func (h *PerCPUHashMap[K, V]) CPUs() int { return h.m().cpus() }

// Lookup returns the values of k, one per possible CPU, or [ErrKeyNotExist].
func (h *PerCPUHashMap[K, V]) Lookup(k K) ([]V, error) {
	values := make([]V, h.m().cpus())
	if err := h.LookupInto(k, values); err != nil {
		return nil, err
	}
	return values, nil
}

// LookupInto is like Lookup, but does not allocate. The length of values must be CPUs.
func (h *PerCPUHashMap[K, V]) LookupInto(k K, values []V) error {
	c := h.m().begin(opLookup)
	*(*K)(c.key) = k
	return c.readAll(sys.CmdMapLookupElem, unsafe.Pointer(unsafe.SliceData(values)), len(values))
}

// Update sets the values of k, one per possible CPU. It fails like [HashMap.Update].
func (h *PerCPUHashMap[K, V]) Update(k K, values []V, flags UpdateFlags) error {
	c := h.m().begin(opUpdate)
	*(*K)(c.key) = k
	return c.updateAll(unsafe.Pointer(unsafe.SliceData(values)), len(values), flags)
}

// Delete removes k and all its values, or fails with [ErrKeyNotExist].
func (h *PerCPUHashMap[K, V]) Delete(k K) error {
	c := h.m().begin(opDelete)
	*(*K)(c.key) = k
	return c.delete()
}

// LookupAndDelete atomically removes k and returns its values (5.14).
func (h *PerCPUHashMap[K, V]) LookupAndDelete(k K) ([]V, error) {
	values := make([]V, h.m().cpus())
	c := h.m().begin(opLookupDelete)
	*(*K)(c.key) = k
	if err := c.readAll(sys.CmdMapLookupAndDeleteElem, unsafe.Pointer(unsafe.SliceData(values)), len(values)); err != nil {
		return nil, err
	}
	return values, nil
}

// Iterate returns an iterator over all entries; see [PerCPUIterator].
func (h *PerCPUHashMap[K, V]) Iterate() *PerCPUIterator[K, V] {
	return &PerCPUIterator[K, V]{walk{m: h.m()}}
}

// PerCPUArrayMap is a map of type per-CPU array (BPF_MAP_TYPE_PERCPU_ARRAY), with one value per
// possible CPU at each index. It is safe for concurrent use.
type PerCPUArrayMap[V any] struct{ ref }

// NewPerCPUArrayMap returns m as a PerCPUArrayMap; see [NewHashMap].
func NewPerCPUArrayMap[V any](m *Map) *PerCPUArrayMap[V] {
	m.fitsIndex()
	m.fits("values", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*PerCPUArrayMap[V])(unsafe.Pointer(m))
}

func (a *PerCPUArrayMap[V]) m() *Map { return (*Map)(unsafe.Pointer(a)) }

// CPUs returns the number of values under each key; see [PossibleCPUs].
func (a *PerCPUArrayMap[V]) CPUs() int { return a.m().cpus() }

// Lookup returns the values at index i, one per possible CPU, or [ErrKeyNotExist].
func (a *PerCPUArrayMap[V]) Lookup(i uint32) ([]V, error) {
	values := make([]V, a.m().cpus())
	if err := a.LookupInto(i, values); err != nil {
		return nil, err
	}
	return values, nil
}

// LookupInto is like Lookup, but does not allocate. The length of values must be CPUs.
func (a *PerCPUArrayMap[V]) LookupInto(i uint32, values []V) error {
	c := a.m().begin(opLookup)
	*(*uint32)(c.key) = i
	return c.readAll(sys.CmdMapLookupElem, unsafe.Pointer(unsafe.SliceData(values)), len(values))
}

// Update sets the values at index i, one per possible CPU. It fails like [HashMap.Update].
func (a *PerCPUArrayMap[V]) Update(i uint32, values []V, flags UpdateFlags) error {
	c := a.m().begin(opUpdate)
	*(*uint32)(c.key) = i
	return c.updateAll(unsafe.Pointer(unsafe.SliceData(values)), len(values), flags)
}

// Iterate returns an iterator over all entries; see [PerCPUIterator].
func (a *PerCPUArrayMap[V]) Iterate() *PerCPUIterator[uint32, V] {
	return &PerCPUIterator[uint32, V]{walk{m: a.m()}}
}

// PerCPUCgroupStorage is a map of type per-CPU cgroup storage (BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE):
// a [CgroupStorage] with one value per possible CPU. It is safe for concurrent use.
type PerCPUCgroupStorage[K, V any] struct{ ref }

// NewPerCPUCgroupStorage returns m as a PerCPUCgroupStorage; see [NewHashMap].
func NewPerCPUCgroupStorage[K, V any](m *Map) *PerCPUCgroupStorage[K, V] {
	m.fits("key", m.spec().KeySize, (*K)(nil), unsafe.Sizeof(*new(K)))
	m.fits("values", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*PerCPUCgroupStorage[K, V])(unsafe.Pointer(m))
}

func (s *PerCPUCgroupStorage[K, V]) m() *Map { return (*Map)(unsafe.Pointer(s)) }

// CPUs returns the number of values under each key; see [PossibleCPUs].
func (s *PerCPUCgroupStorage[K, V]) CPUs() int { return s.m().cpus() }

// Lookup returns the values of k, one per possible CPU, or [ErrKeyNotExist].
func (s *PerCPUCgroupStorage[K, V]) Lookup(k K) ([]V, error) {
	values := make([]V, s.m().cpus())
	if err := s.LookupInto(k, values); err != nil {
		return nil, err
	}
	return values, nil
}

// LookupInto is like Lookup, but does not allocate. The length of values must be CPUs.
func (s *PerCPUCgroupStorage[K, V]) LookupInto(k K, values []V) error {
	c := s.m().begin(opLookup)
	*(*K)(c.key) = k
	return c.readAll(sys.CmdMapLookupElem, unsafe.Pointer(unsafe.SliceData(values)), len(values))
}

// Update sets the values of k, one per possible CPU. It fails like [HashMap.Update].
func (s *PerCPUCgroupStorage[K, V]) Update(k K, values []V, flags UpdateFlags) error {
	c := s.m().begin(opUpdate)
	*(*K)(c.key) = k
	return c.updateAll(unsafe.Pointer(unsafe.SliceData(values)), len(values), flags)
}

// Iterate returns an iterator over all entries; see [PerCPUIterator].
func (s *PerCPUCgroupStorage[K, V]) Iterate() *PerCPUIterator[K, V] {
	return &PerCPUIterator[K, V]{walk{m: s.m()}}
}

// The kernel rounds the distance between values up to a multiple of 8 bytes (bpf_percpu_hash_copy);
// the elements of a slice are adjacent.

// cpus returns the number of values under each key, or 0 if it is unknown because there is no
// sysfs.
func (m *Map) cpus() int {
	m.spec()
	n, _ := PossibleCPUs()
	return n
}

// stride returns the distance in bytes from one CPU's value to the next.
func (m *Map) stride() int { return (int(m.spec().ValueSize) + 7) &^ 7 }

// readAll makes a system call that reads a value for each CPU, copies them to a slice of length n,
// and ends the call.
func (c *call) readAll(cmd sys.Cmd, values unsafe.Pointer, n int) error {
	err := c.checkCPUs(n)
	if err == nil {
		err = c.do(cmd, 0)
	}
	if err == nil {
		c.m.spread(values, c.value, n)
	}
	c.end()
	return err
}

// updateAll sets the values of all CPUs from a slice of length n, and ends the call.
func (c *call) updateAll(values unsafe.Pointer, n int, flags UpdateFlags) error {
	if err := c.checkCPUs(n); err != nil {
		c.end()
		return err
	}
	clear(c.valueWords)
	size, stride := int(c.m.spec().ValueSize), c.m.stride()
	for i := range n {
		copy(unsafe.Slice((*byte)(unsafe.Add(c.value, i*stride)), size), unsafe.Slice((*byte)(unsafe.Add(values, i*size)), size))
	}
	return c.update(flags)
}

func (c *call) checkCPUs(n int) error {
	cpus, err := PossibleCPUs()
	switch {
	case err != nil:
		return c.m.wrap(c.op, err)
	case n != cpus:
		return newMapError(c.m.Name(), c.op, errCPUCount)
	}
	return nil
}

// spread copies n values from the kernel's layout to a slice's.
func (m *Map) spread(to, from unsafe.Pointer, n int) {
	size, stride := int(m.spec().ValueSize), m.stride()
	for i := range n {
		copy(unsafe.Slice((*byte)(unsafe.Add(to, i*size)), size), unsafe.Slice((*byte)(unsafe.Add(from, i*stride)), size))
	}
}

var errCPUCount error = &sentinelError{text: "want one value per possible CPU", errno: unix.EINVAL}

// PerCPUIterator is an [Iterator] over the entries of a per-CPU map.
type PerCPUIterator[K, V any] struct{ w walk }

// All iterates over all entries, like [Iterator.All]. The slice has one value per possible CPU, and
// the loop may keep it.
func (it *PerCPUIterator[K, V]) All() iter.Seq2[K, []V] {
	return func(yield func(K, []V) bool) {
		for it.w.start(); it.w.more(); {
			values := make([]V, it.w.values)
			it.w.m.spread(unsafe.Pointer(unsafe.SliceData(values)), it.w.value, it.w.values)
			if !yield(*(*K)(it.w.key), values) {
				return
			}
		}
	}
}

// Err returns the error that ended the last iteration early; see [Iterator.Err].
func (it *PerCPUIterator[K, V]) Err() error { return it.w.err }

// PossibleCPUs returns the number of CPUs that the machine can have, online or not, which is the
// number of values of an entry of a per-CPU map. It is safe for concurrent use.
func PossibleCPUs() (int, error) { return sys.PossibleCPUs() }
