package runtime

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// LPMTrie is a map that finds the longest matching prefix (BPF_MAP_TYPE_LPM_TRIE). K begins with
// the prefix length in bits, a uint32 in native byte order, followed by the prefix, most
// significant byte first: struct bpf_lpm_trie_key.
//
// Lookup finds the longest prefix that matches k rather than k itself. An LPMTrie is safe for
// concurrent use.
type LPMTrie[K, V any] struct{ ref }

// NewLPMTrie returns m as an LPMTrie; see [NewHashMap].
func NewLPMTrie[K, V any](m *Map) *LPMTrie[K, V] {
	m.fits("key", m.spec().KeySize, (*K)(nil), unsafe.Sizeof(*new(K)))
	m.fits("value", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*LPMTrie[K, V])(unsafe.Pointer(m))
}

func (l *LPMTrie[K, V]) m() *Map { return (*Map)(unsafe.Pointer(l)) }

// Lookup returns the value of the longest prefix that matches k, or [ErrKeyNotExist].
func (l *LPMTrie[K, V]) Lookup(k K) (v V, err error) {
	c := l.m().begin(opLookup)
	*(*K)(c.key) = k
	if err = c.do(sys.CmdMapLookupElem, 0); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// LookupLocked is like Lookup, but holds the value's struct bpf_spin_lock; see
// [HashMap.LookupLocked].
func (l *LPMTrie[K, V]) LookupLocked(k K) (v V, err error) {
	c := l.m().begin(opLookup)
	*(*K)(c.key) = k
	if err = c.do(sys.CmdMapLookupElem, uint64(Locked)); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// LookupInto is like Lookup, but stores the value in v, which avoids copies of large values.
func (l *LPMTrie[K, V]) LookupInto(k K, v *V) error {
	c := l.m().begin(opLookup)
	*(*K)(c.key) = k
	err := c.do(sys.CmdMapLookupElem, 0)
	if err == nil {
		*v = *(*V)(c.value)
	}
	c.end()
	return err
}

// Update sets the value of k. It fails like [HashMap.Update].
func (l *LPMTrie[K, V]) Update(k K, v V, flags UpdateFlags) error {
	c := l.m().begin(opUpdate)
	*(*K)(c.key), *(*V)(c.value) = k, v
	return c.update(flags)
}

// Delete removes k itself, or fails with [ErrKeyNotExist].
func (l *LPMTrie[K, V]) Delete(k K) error {
	c := l.m().begin(opDelete)
	*(*K)(c.key) = k
	return c.delete()
}

// Iterate returns an iterator over all entries; see [Iterator].
func (l *LPMTrie[K, V]) Iterate() *Iterator[K, V] {
	return &Iterator[K, V]{walk{m: l.m()}}
}

// LookupBatch fills keys and values with the next entries; see [HashMap.LookupBatch].
func (l *LPMTrie[K, V]) LookupBatch(cur *BatchCursor, keys []K, values []V) (int, error) {
	return l.m().nextBatch(cur, unsafe.Pointer(unsafe.SliceData(keys)), len(keys), unsafe.Pointer(unsafe.SliceData(values)), len(values), false)
}

// UpdateBatch sets the values of all keys; see [HashMap.UpdateBatch].
func (l *LPMTrie[K, V]) UpdateBatch(keys []K, values []V, flags UpdateFlags) (int, error) {
	return l.m().updateBatch(unsafe.Pointer(unsafe.SliceData(keys)), len(keys), unsafe.Pointer(unsafe.SliceData(values)), len(values), flags)
}

// DeleteBatch removes all keys; see [HashMap.DeleteBatch].
func (l *LPMTrie[K, V]) DeleteBatch(keys []K) (int, error) {
	return l.m().deleteBatch(unsafe.Pointer(unsafe.SliceData(keys)), len(keys))
}
