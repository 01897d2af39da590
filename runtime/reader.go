package runtime

import (
	"sync"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// errHasReader answers a second reader or writer of a map that takes one.
var errHasReader error = &sentinelError{text: "this process has one open already: close it first", errno: unix.EBUSY}

// errOtherType answers a reader or writer of a map that is not what its Go type says.
var errOtherType error = &sentinelError{text: "the map is of another type", errno: unix.EINVAL}

// claims are the maps that have a reader, or, if they are user ring buffers, a writer: by the
// kernel's number for them, since there may be several handles of one map.
var claims struct {
	mu  sync.Mutex
	ids map[uint32]struct{}
}

// A claim is the right to be a map's only reader in this process.
type claim struct{ id uint32 }

// claim gives the right to one, of a map of that type.
func (m *Map) claim(typ uint32) (claim, error) {
	if m.spec().Type != typ {
		return claim{}, errOtherType
	}
	id, err := m.ID()
	if err != nil {
		return claim{}, err.(*MapError).Err
	}
	claims.mu.Lock()
	defer claims.mu.Unlock()
	if _, ok := claims.ids[id]; ok {
		return claim{}, errHasReader
	}
	if claims.ids == nil {
		claims.ids = map[uint32]struct{}{}
	}
	claims.ids[id] = struct{}{}
	return claim{id}, nil
}

// end gives the right back, while the map still exists.
func (c claim) end() {
	claims.mu.Lock()
	defer claims.mu.Unlock()
	delete(claims.ids, c.id)
}
