package runtime

import "sync/atomic"

// Map is a map of a loaded object, without the types of its keys and values;
// generated packages wrap it in one that has them. Its methods are safe for
// concurrent use, and return an error that wraps os.ErrClosed after the
// skeleton is closed.
type Map struct {
	fd   fd
	desc atomic.Pointer[MapSpec] // the object's own, or a copy that has more to say, see own
}

func newMap(spec *MapSpec) *Map {
	m := new(Map)
	m.desc.Store(spec)
	return m
}

// spec describes the map. What is in it does not change.
func (m *Map) spec() *MapSpec { return m.desc.Load() }

// Name returns the name that the map has in the source.
func (m *Map) Name() string { return m.spec().Name }

// FD returns the map's file descriptor, -1 if it is closed or not loaded. It
// stays the map's own: do not close it, and do not use it after the skeleton is closed.
func (m *Map) FD() int { return m.fd.peek() }

// DupFD returns a new file descriptor for the map, which the caller owns.
func (m *Map) DupFD() (int, error) { return m.fd.dup() }

// Spec describes the map as the object defines it.
func (m *Map) Spec() *MapSpec {
	spec := m.spec()
	if a := accessOf(spec); a != nil {
		return a.spec
	}
	return spec
}

// MaxEntries returns the number of entries that the map is created with:
// before the load that of the object, or what SetMaxEntries said, and after it
// what came to be, which for ring buffers and for perf event arrays without a
// size depends on the machine.
func (m *Map) MaxEntries() uint32 {
	spec := m.spec()
	if a := accessOf(spec); a != nil {
		return a.maxEntries
	}
	return spec.MaxEntries
}

// SetMaxEntries changes the number of entries of a map that is not loaded
// yet. Afterwards it has no effect. It is not safe for concurrent use.
func (m *Map) SetMaxEntries(n uint32) {
	if m.fd.peek() < 0 {
		m.own().maxEntries = n
	}
}
