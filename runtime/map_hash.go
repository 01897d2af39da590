package runtime

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// HashMap is a map of type hash, LRU hash or resizable hash (BPF_MAP_TYPE_HASH, LRU_HASH, RHASH).
//
// K and V must have the size and layout of the C types, and must not contain Go pointers. A HashMap
// is safe for concurrent use.
type HashMap[K, V any] struct{ ref }

// NewHashMap returns m as a HashMap. It panics if the sizes of K and V differ from those of the
// map's keys and values, which is a mistake in the calling code.
func NewHashMap[K, V any](m *Map) *HashMap[K, V] {
	m.fits("key", m.spec().KeySize, (*K)(nil), unsafe.Sizeof(*new(K)))
	m.fits("value", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*HashMap[K, V])(unsafe.Pointer(m))
}

func (h *HashMap[K, V]) m() *Map { return (*Map)(unsafe.Pointer(h)) }

// Lookup returns the value of k, or [ErrKeyNotExist].
func (h *HashMap[K, V]) Lookup(k K) (v V, err error) {
	c := h.m().begin(opLookup)
	*(*K)(c.key) = k
	if err = c.do(sys.CmdMapLookupElem, 0); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// LookupLocked is like Lookup, but holds the value's struct bpf_spin_lock while it reads
// (BPF_F_LOCK), so that it never sees a partial write.
func (h *HashMap[K, V]) LookupLocked(k K) (v V, err error) {
	c := h.m().begin(opLookup)
	*(*K)(c.key) = k
	if err = c.do(sys.CmdMapLookupElem, uint64(Locked)); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// LookupInto is like Lookup, but stores the value in v, which avoids copies of large values.
func (h *HashMap[K, V]) LookupInto(k K, v *V) error {
	c := h.m().begin(opLookup)
	*(*K)(c.key) = k
	err := c.do(sys.CmdMapLookupElem, 0)
	if err == nil {
		*v = *(*V)(c.value)
	}
	c.end()
	return err
}

// Update sets the value of k. It fails with [ErrKeyExist] or [ErrKeyNotExist], depending on flags,
// or with [ErrMapFull].
func (h *HashMap[K, V]) Update(k K, v V, flags UpdateFlags) error {
	c := h.m().begin(opUpdate)
	*(*K)(c.key), *(*V)(c.value) = k, v
	return c.update(flags)
}

// Delete removes k, or fails with [ErrKeyNotExist].
func (h *HashMap[K, V]) Delete(k K) error {
	c := h.m().begin(opDelete)
	*(*K)(c.key) = k
	return c.delete()
}

// LookupAndDelete atomically removes k and returns its value (5.14).
func (h *HashMap[K, V]) LookupAndDelete(k K) (v V, err error) {
	c := h.m().begin(opLookupDelete)
	*(*K)(c.key) = k
	if err = c.do(sys.CmdMapLookupAndDeleteElem, 0); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// Iterate returns an iterator over all entries; see [Iterator].
func (h *HashMap[K, V]) Iterate() *Iterator[K, V] {
	return &Iterator[K, V]{walk{m: h.m()}}
}

// LookupBatch fills keys and values, which must have the same length, with the next entries and
// returns their number. Zero means the end. If a hash bucket does not fit, the error is
// unix.ENOSPC: continue with longer slices.
//
// Concurrent deletions do no harm: every key that stays in the map is returned once. If the kernel
// has no such operation for the map's type, LookupBatch reads key by key.
func (h *HashMap[K, V]) LookupBatch(cur *BatchCursor, keys []K, values []V) (int, error) {
	return h.m().nextBatch(cur, unsafe.Pointer(unsafe.SliceData(keys)), len(keys), unsafe.Pointer(unsafe.SliceData(values)), len(values), false)
}

// LookupAndDeleteBatch is like LookupBatch, but removes the entries that it returns.
func (h *HashMap[K, V]) LookupAndDeleteBatch(cur *BatchCursor, keys []K, values []V) (int, error) {
	return h.m().nextBatch(cur, unsafe.Pointer(unsafe.SliceData(keys)), len(keys), unsafe.Pointer(unsafe.SliceData(values)), len(values), true)
}

// UpdateBatch sets the values of all keys, and returns the number of entries set before the first
// failure. It is not atomic: others may see part of it.
func (h *HashMap[K, V]) UpdateBatch(keys []K, values []V, flags UpdateFlags) (int, error) {
	return h.m().updateBatch(unsafe.Pointer(unsafe.SliceData(keys)), len(keys), unsafe.Pointer(unsafe.SliceData(values)), len(values), flags)
}

// DeleteBatch removes all keys, and returns the number of keys removed before the first failure.
func (h *HashMap[K, V]) DeleteBatch(keys []K) (int, error) {
	return h.m().deleteBatch(unsafe.Pointer(unsafe.SliceData(keys)), len(keys))
}
