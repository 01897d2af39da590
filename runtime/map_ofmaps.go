package runtime

import (
	"iter"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// ofMaps is a map whose values are maps: user space puts in file descriptors and
// gets out IDs.
type ofMaps[K any, I AnyMap] struct {
	ids   table[K, uint32]
	inner *spec.InnerSpec
	wrap  func(*Map) I
}

// InnerMap is a map out of a map of maps, or for one. It belongs to the
// caller, who closes it; the map itself exists for as long as it is in a map of maps.
type InnerMap[I AnyMap] struct{ Map I }

// Close closes the caller's file descriptor of the map. Closing twice is fine.
func (m InnerMap[I]) Close() error {
	m.Map.untyped().fd.close()
	return nil
}

func newOfMaps[K any, I AnyMap](m *Map, inner *spec.InnerSpec, wrap func(*Map) I) ofMaps[K, I] {
	return ofMaps[K, I]{newTable[K, uint32](m), inner, wrap}
}

func (o ofMaps[K, I]) lookup(k K) (InnerMap[I], error) {
	id, err := o.ids.Lookup(k)
	if err != nil {
		return InnerMap[I]{}, err
	}
	m, err := openMapID(id, o.inner.Name)
	if err != nil {
		return InnerMap[I]{}, o.ids.m.wrap(opLookup, err)
	}
	return InnerMap[I]{o.wrap(m)}, nil
}

func (o ofMaps[K, I]) update(k K, inner I, flags UpdateFlags) error {
	m := inner.untyped()
	num, err := m.fd.acquire()
	if err != nil {
		return m.wrap("put into "+o.ids.Name(), err)
	}
	defer m.fd.release()
	return o.ids.Update(k, uint32(num), flags)
}

// create makes a map like those that the map of maps holds.
func (o ofMaps[K, I]) create() (InnerMap[I], error) {
	m, err := createInner(o.ids.m, o.inner)
	if err != nil {
		return InnerMap[I]{}, err
	}
	return InnerMap[I]{o.wrap(m)}, nil
}

// openMapID opens a map that the kernel knows by that number, which takes CAP_SYS_ADMIN. The name is for errors: the kernel's
// may be cut.
func openMapID(id uint32, name string) (*Map, error) {
	num, errno := sys.GetFdByID(sys.CmdMapGetFdByID, id)
	if errno != 0 {
		return nil, errno
	}
	m, errno := describeMap(num)
	if errno != 0 {
		return nil, errno
	}
	m.spec().Name = name
	return m, nil
}

// HashOfMaps is a map of type hash of maps (BPF_MAP_TYPE_HASH_OF_MAPS), whose
// inner maps are Is. It is safe for concurrent use.
type HashOfMaps[K any, I AnyMap] struct {
	ref
	o ofMaps[K, I]
}

// NewHashOfMaps gives m the types of its keys and inner maps: inner describes
// them, and wrap is the constructor of their type. See [NewHashMap].
func NewHashOfMaps[K any, I AnyMap](m *Map, inner *spec.InnerSpec, wrap func(*Map) I) HashOfMaps[K, I] {
	return HashOfMaps[K, I]{ref{m}, newOfMaps[K](m, inner, wrap)}
}

// Lookup returns the map under k, which the caller closes, or [ErrKeyNotExist].
// It takes CAP_SYS_ADMIN: the kernel gives user space a map's ID only.
func (h HashOfMaps[K, I]) Lookup(k K) (InnerMap[I], error) { return h.o.lookup(k) }

// LookupID returns the ID of the map under k, or [ErrKeyNotExist].
func (h HashOfMaps[K, I]) LookupID(k K) (uint32, error) { return h.o.ids.Lookup(k) }

// Update puts a map under k. Programs may see the former one until all CPUs have passed by.
func (h HashOfMaps[K, I]) Update(k K, inner I, flags UpdateFlags) error {
	return h.o.update(k, inner, flags)
}

// Delete removes k, or fails with [ErrKeyNotExist].
func (h HashOfMaps[K, I]) Delete(k K) error { return h.o.ids.delete(k) }

// NewInner makes a map to put under a key, which the caller closes, before or after.
func (h HashOfMaps[K, I]) NewInner() (InnerMap[I], error) { return h.o.create() }

// IDs iterates over all keys and the IDs of their maps, as [HashMap] does.
func (h HashOfMaps[K, I]) IDs() iter.Seq2[K, uint32] { return h.o.ids.All() }

// ArrayOfMaps is a map of type array of maps (BPF_MAP_TYPE_ARRAY_OF_MAPS),
// whose inner maps are Is. It is safe for concurrent use.
type ArrayOfMaps[I AnyMap] struct {
	ref
	o ofMaps[uint32, I]
}

// NewArrayOfMaps gives m the type of its inner maps; see [NewHashOfMaps].
func NewArrayOfMaps[I AnyMap](m *Map, inner *spec.InnerSpec, wrap func(*Map) I) ArrayOfMaps[I] {
	return ArrayOfMaps[I]{ref{m}, newOfMaps[uint32](m, inner, wrap)}
}

// Lookup returns the map at index i, which the caller closes, or [ErrKeyNotExist]
// if there is none. It takes CAP_SYS_ADMIN: the kernel gives user space a map's ID only.
func (a ArrayOfMaps[I]) Lookup(i uint32) (InnerMap[I], error) { return a.o.lookup(i) }

// LookupID returns the ID of the map at index i, or [ErrKeyNotExist].
func (a ArrayOfMaps[I]) LookupID(i uint32) (uint32, error) { return a.o.ids.Lookup(i) }

// Update puts a map at index i. Programs may see the former one until all CPUs have passed by.
func (a ArrayOfMaps[I]) Update(i uint32, inner I) error { return a.o.update(i, inner, Any) }

// Delete empties index i, or fails with [ErrKeyNotExist].
func (a ArrayOfMaps[I]) Delete(i uint32) error { return a.o.ids.delete(i) }

// NewInner makes a map to put at an index, which the caller closes, before or after.
func (a ArrayOfMaps[I]) NewInner() (InnerMap[I], error) { return a.o.create() }

// IDs iterates over the indices that are not empty and the IDs of their maps.
func (a ArrayOfMaps[I]) IDs() iter.Seq2[uint32, uint32] { return a.o.ids.All() }
