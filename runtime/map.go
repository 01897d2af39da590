package runtime

import (
	"sync/atomic"
	"unsafe"
)

// Map is a map of a loaded object, without the types of its keys and values. The typed maps, such
// as [HashMap], are the same memory under another type, and have its methods. They are safe for
// concurrent use, and return an error that wraps os.ErrClosed before the load and after the
// skeleton is closed. A nil or zero Map panics.
type Map struct {
	_ incomparable

	fd fd
	// desc is a *MapSpec: the object's own, or a copy that has more to say, see own. It is accessed
	// atomically once the map is shared. An atomic.Pointer[MapSpec] would be 2 KB more in each
	// binary, for the names of its methods, which have all fields of a MapSpec in them.
	desc unsafe.Pointer
}

func newMap(spec *MapSpec) *Map { return &Map{desc: unsafe.Pointer(spec)} }

// noMap is what a nil or zero map panics with.
const noMap = "bpf2lskel/runtime: use of a nil or zero map: maps come from the Open or Load of a generated package"

// spec describes the map. What is in it does not change.
func (m *Map) spec() *MapSpec {
	if m != nil {
		if spec := atomic.LoadPointer(&m.desc); spec != nil {
			return (*MapSpec)(spec)
		}
	}
	panic(noMap)
}

// file is the map's file descriptor, of a map that is one.
func (m *Map) file() *fd {
	m.spec()
	return &m.fd
}

// Name returns the name that the map has in the source.
func (m *Map) Name() string { return m.spec().Name }

// FD returns the map's file descriptor, -1 if it is closed or not loaded. It
// stays the map's own: do not close it, and do not use it after the skeleton is closed.
func (m *Map) FD() int { return m.file().peek() }

// DupFD returns a new file descriptor for the map, which the caller owns.
func (m *Map) DupFD() (int, error) {
	num, err := m.file().dup()
	if err != nil {
		return -1, m.wrap("duplicate fd", err)
	}
	return num, nil
}

// Spec describes the map as the object defines it, or as [ChangeMap] has changed it.
func (m *Map) Spec() *MapSpec {
	spec := m.spec()
	if a := accessOf(spec); a != nil {
		return a.spec
	}
	return spec
}

// Untyped returns the map without its types, which is the map itself.
func (m *Map) Untyped() *Map { return m }

// MaxEntries returns the number of entries that the map is created with:
// before the load the object's own or that of SetMaxEntries, after the load the
// number that the kernel has, which for ring buffers and for perf event arrays
// without a size depends on the machine.
func (m *Map) MaxEntries() uint32 {
	spec := m.spec()
	if a := accessOf(spec); a != nil {
		return a.maxEntries
	}
	return spec.MaxEntries
}

// SetMaxEntries changes the number of entries of a map that is not loaded
// yet; [ChangeMap] changes more. Afterwards it has no effect. It is not safe for concurrent use.
func (m *Map) SetMaxEntries(n uint32) {
	if m.file().peek() < 0 {
		m.own().maxEntries = n
	}
}
