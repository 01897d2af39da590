package runtime

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// ArrayMap is a map of type array (BPF_MAP_TYPE_ARRAY), which always has max_entries values.
// Methods return [ErrKeyNotExist] for an index past the end.
//
// V must have the size and layout of the C type, and must not contain Go pointers. An ArrayMap is
// safe for concurrent use.
type ArrayMap[V any] struct{ ref }

// NewArrayMap returns m as an ArrayMap; see [NewHashMap].
func NewArrayMap[V any](m *Map) *ArrayMap[V] {
	m.fitsIndex()
	m.fits("value", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*ArrayMap[V])(unsafe.Pointer(m))
}

func (a *ArrayMap[V]) m() *Map { return (*Map)(unsafe.Pointer(a)) }

// Lookup returns the value at index i, or [ErrKeyNotExist].
func (a *ArrayMap[V]) Lookup(i uint32) (v V, err error) {
	c := a.m().begin(opLookup)
	*(*uint32)(c.key) = i
	if err = c.do(sys.CmdMapLookupElem, 0); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// LookupLocked is like Lookup, but holds the value's struct bpf_spin_lock; see
// [HashMap.LookupLocked].
func (a *ArrayMap[V]) LookupLocked(i uint32) (v V, err error) {
	c := a.m().begin(opLookup)
	*(*uint32)(c.key) = i
	if err = c.do(sys.CmdMapLookupElem, uint64(Locked)); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// LookupInto is like Lookup, but stores the value in v, which avoids copies of large values.
func (a *ArrayMap[V]) LookupInto(i uint32, v *V) error {
	c := a.m().begin(opLookup)
	*(*uint32)(c.key) = i
	err := c.do(sys.CmdMapLookupElem, 0)
	if err == nil {
		*v = *(*V)(c.value)
	}
	c.end()
	return err
}

// Update sets the value at index i. It fails like [HashMap.Update].
func (a *ArrayMap[V]) Update(i uint32, v V, flags UpdateFlags) error {
	c := a.m().begin(opUpdate)
	*(*uint32)(c.key), *(*V)(c.value) = i, v
	return c.update(flags)
}

// Iterate returns an iterator over all entries; see [Iterator].
func (a *ArrayMap[V]) Iterate() *Iterator[uint32, V] {
	return &Iterator[uint32, V]{walk{m: a.m()}}
}

// LookupBatch fills keys and values with the next entries; see [HashMap.LookupBatch].
func (a *ArrayMap[V]) LookupBatch(cur *BatchCursor, keys []uint32, values []V) (int, error) {
	return a.m().nextBatch(cur, unsafe.Pointer(unsafe.SliceData(keys)), len(keys), unsafe.Pointer(unsafe.SliceData(values)), len(values), false)
}

// UpdateBatch sets the values of all keys; see [HashMap.UpdateBatch].
func (a *ArrayMap[V]) UpdateBatch(keys []uint32, values []V, flags UpdateFlags) (int, error) {
	return a.m().updateBatch(unsafe.Pointer(unsafe.SliceData(keys)), len(keys), unsafe.Pointer(unsafe.SliceData(values)), len(values), flags)
}

// fitsIndex panics if m's keys are not 4 bytes.
func (m *Map) fitsIndex() { m.fits("key", m.spec().KeySize, (*uint32)(nil), 4) }

// at is begin with an index as the key.
func (m *Map) at(op string, i uint32) *call {
	c := m.begin(op)
	*(*uint32)(c.key) = i
	return c
}

// hasIndexKeys reports whether the keys are indexes from 0 to max_entries-1.
func (m *Map) hasIndexKeys() bool {
	switch m.spec().Type {
	case sys.MapTypeArray, sys.MapTypeProgArray, sys.MapTypePerfEventArray, sys.MapTypePerCPUArray, sys.MapTypeCgroupArray,
		sys.MapTypeArrayOfMaps, sys.MapTypeDevMap, sys.MapTypeSockMap, sys.MapTypeCPUMap, sys.MapTypeXSKMap, sys.MapTypeReuseportSockArray:
		return true
	}
	return false
}
