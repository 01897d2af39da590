package runtime

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// InnerMap is a map that was taken from a map of maps, or is to be stored in one. The caller must
// close it. The map itself continues to exist as long as it is in a map of maps.
type InnerMap[I AnyMap] struct{ Map I }

// Close closes the caller's file descriptor of the map. Closing twice is fine.
func (m InnerMap[I]) Close() error {
	if *(*unsafe.Pointer)(unsafe.Pointer(&m.Map)) == nil { // a nil pointer, or a nil AnyMap
		return newMapError("", "close", errNoMap)
	}
	m.Map.untyped().file().close()
	return nil
}

// openInner looks up a map ID, ends the call, and opens the map with that ID.
func (c *call) openInner(inner *spec.InnerSpec) (*Map, error) {
	m := c.m
	id, err := c.number()
	if err != nil {
		return nil, err
	}
	opened, err := openMapID(id, inner.Name)
	if err != nil {
		return nil, m.wrap(opLookup, err)
	}
	return opened, nil
}

// number looks up a value of 4 bytes, and ends the call.
func (c *call) number() (n uint32, err error) {
	if err = c.do(sys.CmdMapLookupElem, 0); err == nil {
		n = *(*uint32)(c.value)
	}
	c.end()
	return n, err
}

// putMap sets the call's value to a map, and ends the call.
func (c *call) putMap(inner *Map, flags UpdateFlags) error {
	if inner == nil {
		name := c.m.Name()
		c.end()
		return newMapError(name, "update", errNoMap)
	}
	num, err := inner.fd.acquire()
	if err != nil {
		err = inner.wrap("put into map "+c.m.Name(), err)
		c.end()
		return err
	}
	defer inner.fd.release()
	*(*uint32)(c.value) = uint32(num)
	return c.update(flags)
}

// openMapID opens the map with the given kernel ID, which requires CAP_SYS_ADMIN. The name is for
// errors, because the kernel's may be truncated.
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

// HashOfMaps is a map of type hash of maps (BPF_MAP_TYPE_HASH_OF_MAPS), whose inner maps are of
// type I. It is safe for concurrent use.
type HashOfMaps[K any, I AnyMap] struct {
	*ref
	inner *spec.InnerSpec
	wrap  func(*Map) I
}

// NewHashOfMaps returns m as a HashOfMaps. inner describes the inner maps, and wrap is the
// constructor of their type. See [NewHashMap].
func NewHashOfMaps[K any, I AnyMap](m *Map, inner *spec.InnerSpec, wrap func(*Map) I) *HashOfMaps[K, I] {
	m.fits("key", m.spec().KeySize, (*K)(nil), unsafe.Sizeof(*new(K)))
	return &HashOfMaps[K, I]{(*ref)(unsafe.Pointer(m)), inner, wrap}
}

// begin is [Map.begin], for a map that may be nil.
func (h *HashOfMaps[K, I]) begin(op string) *call {
	if h == nil {
		panic(noMap)
	}
	return h.Untyped().begin(op)
}

// Lookup returns the map under k, or [ErrKeyNotExist]. The caller must close it. Lookup requires
// CAP_SYS_ADMIN, because the kernel gives user space only a map's ID.
func (h *HashOfMaps[K, I]) Lookup(k K) (InnerMap[I], error) {
	c := h.begin(opLookup)
	*(*K)(c.key) = k
	m, err := c.openInner(h.inner)
	if err != nil {
		return InnerMap[I]{}, err
	}
	return InnerMap[I]{h.wrap(m)}, nil
}

// LookupID returns the ID of the map under k, or [ErrKeyNotExist].
func (h *HashOfMaps[K, I]) LookupID(k K) (uint32, error) {
	c := h.begin(opLookup)
	*(*K)(c.key) = k
	return c.number()
}

// Update stores a map under k. Programs may see the previous map until an RCU grace period has
// passed.
func (h *HashOfMaps[K, I]) Update(k K, inner I, flags UpdateFlags) error {
	c := h.begin(opUpdate)
	*(*K)(c.key) = k
	return c.putMap(mapIn(inner), flags)
}

// Delete removes k, or fails with [ErrKeyNotExist].
func (h *HashOfMaps[K, I]) Delete(k K) error {
	c := h.begin(opDelete)
	*(*K)(c.key) = k
	return c.delete()
}

// NewInner creates a map to store under a key. The caller must close it, before or after storing
// it. If opts is nil, the map is created as the object describes it.
func (h *HashOfMaps[K, I]) NewInner(opts *InnerOptions) (InnerMap[I], error) {
	if h == nil {
		panic(noMap)
	}
	m, err := createInner(h.Untyped(), h.inner, opts)
	if err != nil {
		return InnerMap[I]{}, err
	}
	return InnerMap[I]{h.wrap(m)}, nil
}

// Iterate returns an iterator over all keys and the IDs of their maps; see [Iterator].
func (h *HashOfMaps[K, I]) Iterate() *Iterator[K, uint32] {
	if h == nil {
		panic(noMap)
	}
	return &Iterator[K, uint32]{walk{m: h.Untyped()}}
}

// ArrayOfMaps is a map of type array of maps (BPF_MAP_TYPE_ARRAY_OF_MAPS), whose inner maps are of
// type I. It is safe for concurrent use.
type ArrayOfMaps[I AnyMap] struct {
	*ref
	inner *spec.InnerSpec
	wrap  func(*Map) I
}

// NewArrayOfMaps returns m as an ArrayOfMaps. inner describes the inner maps, and wrap is the
// constructor of their type. See [NewHashMap].
func NewArrayOfMaps[I AnyMap](m *Map, inner *spec.InnerSpec, wrap func(*Map) I) *ArrayOfMaps[I] {
	m.fitsIndex()
	return &ArrayOfMaps[I]{(*ref)(unsafe.Pointer(m)), inner, wrap}
}

// begin is [Map.begin], for a map that may be nil.
func (a *ArrayOfMaps[I]) begin(op string) *call {
	if a == nil {
		panic(noMap)
	}
	return a.Untyped().begin(op)
}

// Lookup returns the map at index i, or [ErrKeyNotExist]. The caller must close it. Lookup requires
// CAP_SYS_ADMIN, because the kernel gives user space only a map's ID.
func (a *ArrayOfMaps[I]) Lookup(i uint32) (InnerMap[I], error) {
	c := a.begin(opLookup)
	*(*uint32)(c.key) = i
	m, err := c.openInner(a.inner)
	if err != nil {
		return InnerMap[I]{}, err
	}
	return InnerMap[I]{a.wrap(m)}, nil
}

// LookupID returns the ID of the map at index i, or [ErrKeyNotExist].
func (a *ArrayOfMaps[I]) LookupID(i uint32) (uint32, error) {
	c := a.begin(opLookup)
	*(*uint32)(c.key) = i
	return c.number()
}

// Update stores a map at index i. Programs may see the previous map until an RCU grace period has
// passed.
func (a *ArrayOfMaps[I]) Update(i uint32, inner I) error {
	c := a.begin(opUpdate)
	*(*uint32)(c.key) = i
	return c.putMap(mapIn(inner), Any)
}

// Delete clears index i, or fails with [ErrKeyNotExist].
func (a *ArrayOfMaps[I]) Delete(i uint32) error {
	c := a.begin(opDelete)
	*(*uint32)(c.key) = i
	return c.delete()
}

// NewInner creates a map to store at an index. The caller must close it, before or after storing
// it. If opts is nil, the map is created as the object describes it.
func (a *ArrayOfMaps[I]) NewInner(opts *InnerOptions) (InnerMap[I], error) {
	if a == nil {
		panic(noMap)
	}
	m, err := createInner(a.Untyped(), a.inner, opts)
	if err != nil {
		return InnerMap[I]{}, err
	}
	return InnerMap[I]{a.wrap(m)}, nil
}

// Iterate returns an iterator over all indexes that are not empty and the IDs of their maps; see
// [Iterator].
func (a *ArrayOfMaps[I]) Iterate() *Iterator[uint32, uint32] {
	if a == nil {
		panic(noMap)
	}
	return &Iterator[uint32, uint32]{walk{m: a.Untyped()}}
}
