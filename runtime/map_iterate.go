package runtime

import (
	"errors"
	"iter"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// errTooManyChanges ends an iteration that others keep sending back to the start.
var errTooManyChanges = errors.New("the map changes faster than it can be walked")

const (
	opIterate = "iterate"
	// walkBytes is about how much an iteration reads at a time.
	walkBytes = 64 << 10
)

// All iterates over all entries, in no order. Keys that are there all the
// time come once, whatever others, or the loop itself, delete and add meanwhile; keys that come
// or go may be missed. An error ends the iteration: see AllErr.
func (t table[K, V]) All() iter.Seq2[K, V] { return entries[K, V](t.m, new(error)) }

// AllErr is All that sets *err when the iteration ends: to nil, or to what
// ended it early.
func (t table[K, V]) AllErr(err *error) iter.Seq2[K, V] { return entries[K, V](t.m, err) }

// entries is not inlined: each wrapper of All would have a copy, for each K and V.
//
//go:noinline
func entries[K, V any](m *Map, err *error) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		*err = walk(m, 1, func(k K, v []V) bool { return yield(k, v[0]) })
	}
}

// walk calls yield with each entry of m, whose values are n Vs, until it returns false.
// The slice is good until yield returns.
func walk[K, V any](m *Map, n int, yield func(K, []V) bool) error {
	var (
		k    K
		v    V
		each = int(unsafe.Sizeof(k)) + n*int(unsafe.Sizeof(v))
		room = min(max(1, walkBytes/max(1, each)), max(1, int(m.MaxEntries())))

		keys   = make([]K, room)
		values = make([]V, room*n)
		seen   *walkGuard
		cur    BatchCursor
	)
	if m.restartsWalks() {
		seen = &walkGuard{keys: map[string]struct{}{}, budget: 64 * (int64(m.MaxEntries()) + 1024)}
	}
	if m.isSparse() {
		cur = BatchCursor{place: keyStart, token: make([]byte, 4)}
	}
	for {
		got, err := m.next(&cur, unsafe.Pointer(&keys[0]), unsafe.Pointer(&values[0]), room, n*int(unsafe.Sizeof(v)), false)
		if errors.Is(err, unix.ENOSPC) {
			room *= 2
			keys, values = make([]K, room), make([]V, room*n)
			continue
		}
		if seen == nil && cur.place == inKeys && !m.hasIndexKeys() {
			// The kernel walks this kind of hash key by key.
			seen = &walkGuard{keys: map[string]struct{}{}, budget: 64 * (int64(m.MaxEntries()) + 1024)}
		}
		for i := range got {
			if seen != nil && !seen.first(unsafe.Slice((*byte)(unsafe.Pointer(&keys[i])), unsafe.Sizeof(k))) {
				if seen.budget < 0 {
					return &MapError{m.spec().Name, opIterate, errTooManyChanges}
				}
				continue
			}
			if !yield(keys[i], values[i*n:(i+1)*n]) {
				return nil
			}
		}
		if err != nil {
			return err
		}
		if got == 0 {
			return nil
		}
	}
}

// walkKeys calls yield with each key of m until it returns false.
func walkKeys[K any](m *Map, yield func(K) bool) error {
	seen := &walkGuard{keys: map[string]struct{}{}, budget: 64 * (int64(m.MaxEntries()) + 1024)}
	last, next := unsafe.Pointer(nil), new(K)
	for {
		errno, err := m.elem(opNext, sys.CmdMapGetNextKey, last, unsafe.Pointer(next))
		switch {
		case err != nil:
			return err
		case errno == unix.ENOENT:
			return nil
		case errno != 0:
			return m.fail(opNext, errno)
		case seen.budget < 0:
			return &MapError{m.spec().Name, opIterate, errTooManyChanges}
		}
		last = unsafe.Pointer(next)
		if seen.first(unsafe.Slice((*byte)(last), unsafe.Sizeof(*next))) && !yield(*next) {
			return nil
		}
	}
}

// restartsWalks is true for maps that the kernel walks from key to key even
// in batches: if the last key has been deleted, it starts over
// (trie_get_next_key, generic_map_lookup_batch).
func (m *Map) restartsWalks() bool { return m.spec().Type == sys.MapTypeLPMTrie }

// isSparse is true for arrays that have empty places, which a batch lookup
// before 6.9 takes for an interruption (generic_map_lookup_batch).
func (m *Map) isSparse() bool {
	return m.hasIndexKeys() && m.spec().Type != sys.MapTypeArray && m.spec().Type != sys.MapTypePerCPUArray
}

// walkGuard knows what a walk has seen, and ends one that never ends.
type walkGuard struct {
	keys   map[string]struct{}
	budget int64 // keys
}

func (g *walkGuard) first(key []byte) bool {
	g.budget--
	if _, ok := g.keys[string(key)]; ok {
		return false
	}
	g.keys[string(key)] = struct{}{}
	return true
}
