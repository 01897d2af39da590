package runtime

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// CgroupStorage is a map of type cgroup storage (BPF_MAP_TYPE_CGROUP_STORAGE): a value for each
// attachment of a program to a cgroup. K is struct bpf_cgroup_storage_key, or a uint64, the
// cgroup's inode, for a value that all attach types share. The kernel creates and removes entries
// with the attachment; Update only sets existing ones. A CgroupStorage is safe for concurrent use.
type CgroupStorage[K, V any] struct{ ref }

// NewCgroupStorage returns m as a CgroupStorage; see [NewHashMap].
func NewCgroupStorage[K, V any](m *Map) *CgroupStorage[K, V] {
	m.fits("key", m.spec().KeySize, (*K)(nil), unsafe.Sizeof(*new(K)))
	m.fits("value", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*CgroupStorage[K, V])(unsafe.Pointer(m))
}

func (s *CgroupStorage[K, V]) m() *Map { return (*Map)(unsafe.Pointer(s)) }

// Lookup returns the value of k, or [ErrKeyNotExist].
func (s *CgroupStorage[K, V]) Lookup(k K) (v V, err error) {
	c := s.m().begin(opLookup)
	*(*K)(c.key) = k
	if err = c.do(sys.CmdMapLookupElem, 0); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// LookupLocked is like Lookup, but holds the value's struct bpf_spin_lock; see
// [HashMap.LookupLocked].
func (s *CgroupStorage[K, V]) LookupLocked(k K) (v V, err error) {
	c := s.m().begin(opLookup)
	*(*K)(c.key) = k
	if err = c.do(sys.CmdMapLookupElem, uint64(Locked)); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// LookupInto is like Lookup, but stores the value in v, which avoids copies of large values.
func (s *CgroupStorage[K, V]) LookupInto(k K, v *V) error {
	c := s.m().begin(opLookup)
	*(*K)(c.key) = k
	err := c.do(sys.CmdMapLookupElem, 0)
	if err == nil {
		*v = *(*V)(c.value)
	}
	c.end()
	return err
}

// Update sets the value of k. It fails like [HashMap.Update].
func (s *CgroupStorage[K, V]) Update(k K, v V, flags UpdateFlags) error {
	c := s.m().begin(opUpdate)
	*(*K)(c.key), *(*V)(c.value) = k, v
	return c.update(flags)
}

// Iterate returns an iterator over all entries; see [Iterator].
func (s *CgroupStorage[K, V]) Iterate() *Iterator[K, V] {
	return &Iterator[K, V]{walk{m: s.m()}}
}

// LookupBatch fills keys and values with the next entries; see [HashMap.LookupBatch].
func (s *CgroupStorage[K, V]) LookupBatch(cur *BatchCursor, keys []K, values []V) (int, error) {
	return s.m().nextBatch(cur, unsafe.Pointer(unsafe.SliceData(keys)), len(keys), unsafe.Pointer(unsafe.SliceData(values)), len(values), false)
}

// UpdateBatch sets the values of all keys; see [HashMap.UpdateBatch].
func (s *CgroupStorage[K, V]) UpdateBatch(keys []K, values []V, flags UpdateFlags) (int, error) {
	return s.m().updateBatch(unsafe.Pointer(unsafe.SliceData(keys)), len(keys), unsafe.Pointer(unsafe.SliceData(values)), len(values), flags)
}

// CgroupStorageKey is struct bpf_cgroup_storage_key.
type CgroupStorageKey struct {
	CgroupInode uint64
	AttachType  uint32 // enum bpf_attach_type
	_           uint32
}
