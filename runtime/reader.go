package runtime

import (
	"sync"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// errHasReader rejects a second reader or writer of a map that allows only one.
var errHasReader error = &sentinelError{text: "this process already has one open: close it first", errno: unix.EBUSY}

// errOtherType rejects a reader or writer of a map whose type does not match its Go type.
var errOtherType error = &sentinelError{text: "the map's type does not match its Go type", errno: unix.EINVAL}

// claims are the maps that have a reader or, for user ring buffers, a writer. The key is the kernel
// ID, since there may be several handles of one map.
var claims struct {
	mu  sync.Mutex
	ids map[uint32]struct{}
}

// A claim is the right to be a map's only reader or writer in this process.
type claim struct{ id uint32 }

// claim returns a claim of m, which must be of the given type.
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

// end releases the claim. The map must still exist.
func (c claim) end() {
	claims.mu.Lock()
	defer claims.mu.Unlock()
	delete(claims.ids, c.id)
}
