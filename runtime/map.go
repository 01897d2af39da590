package runtime

import (
	"sync/atomic"
	"unsafe"
)

// Map is a map of a loaded object, without the types of its keys and values. Typed maps, such as
// [HashMap], are the same memory under a different Go type. The methods of a Map are safe for
// concurrent use, and return an error that wraps os.ErrClosed before the load and after the
// skeleton is closed. A nil or zero Map panics.
type Map struct {
	_ incomparable

	fd fd
	// desc is a *MapSpec: the object's own, or the copy inside an access (see own). It is accessed
	// atomically once the map is shared. An atomic.Pointer[MapSpec] would add 2 KB to each binary,
	// for method names that spell out all fields of a MapSpec.
	desc unsafe.Pointer
}

func newMap(spec *MapSpec) *Map { return &Map{desc: unsafe.Pointer(spec)} }

// noMap is the panic message for a nil or zero map.
const noMap = "bpf2lskel/runtime: use of a nil or zero map: use a map of a skeleton that Open or Load returned"

// spec returns the description of the map, which must not be modified.
func (m *Map) spec() *MapSpec {
	if m != nil {
		if spec := atomic.LoadPointer(&m.desc); spec != nil {
			return (*MapSpec)(spec)
		}
	}
	panic(noMap)
}

// file returns the map's fd. It panics if m is a nil or zero Map.
func (m *Map) file() *fd {
	m.spec()
	return &m.fd
}

// Name returns the map's name in the source.
func (m *Map) Name() string { return m.spec().Name }

// FD returns the map's file descriptor, or -1 if the map is closed or not loaded. The map owns it:
// do not close it, and do not use it after the skeleton is closed.
func (m *Map) FD() int { return m.file().peek() }

// DupFD returns a new file descriptor for the map, which the caller owns.
func (m *Map) DupFD() (int, error) {
	num, err := m.file().dup()
	if err != nil {
		return -1, m.wrap("duplicate fd", err)
	}
	return num, nil
}

// Spec returns the description of the map as the object defines it or as [ChangeMap] has changed
// it.
func (m *Map) Spec() *MapSpec {
	spec := m.spec()
	if a := accessOf(spec); a != nil {
		return a.spec
	}
	return spec
}

// Untyped returns the map without its types, which is m itself.
func (m *Map) Untyped() *Map { return m }

// MaxEntries returns the maximum number of entries. Before the load, that is the object's value or
// the one passed to SetMaxEntries. After the load, it is the kernel's value, which depends on the
// machine for ring buffers, and for perf event arrays without a size.
func (m *Map) MaxEntries() uint32 {
	spec := m.spec()
	if a := accessOf(spec); a != nil {
		return a.maxEntries
	}
	return spec.MaxEntries
}

// SetMaxEntries sets the maximum number of entries of a map that is not loaded yet. It has no
// effect after the load. It is not safe for concurrent use. Use [ChangeMap] for other changes.
func (m *Map) SetMaxEntries(n uint32) {
	if m.file().peek() < 0 {
		m.own().maxEntries = n
	}
}
