package runtime

import (
	"errors"
	"iter"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// errTooManyChanges ends an iteration that concurrent changes keep sending back to the start.
var errTooManyChanges = errors.New("the map changes faster than it can be iterated over")

const (
	opIterate = "iterate"
	// walkBytes is roughly how many bytes an iteration reads at a time.
	walkBytes = 64 << 10
)

// Iterator iterates over the entries of a map:
//
//	it := m.Iterate()
//	for k, v := range it.All() {
//		...
//	}
//	if err := it.Err(); err != nil {
//		...
//	}
//
// It reads many entries with each system call. It is not safe for concurrent use.
type Iterator[K, V any] struct{ w walk }

// All iterates over all entries, in no particular order. Each call starts over. A key that is
// present throughout is visited once, whatever the loop or others add and delete meanwhile; a key
// that is added or deleted may be missed. An error ends the iteration; see Err.
func (it *Iterator[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for it.w.start(); it.w.more(); {
			if !yield(*(*K)(it.w.key), *(*V)(it.w.value)) {
				return
			}
		}
	}
}

// Err returns the error that ended the last iteration early, a [*MapError]. It is nil if the
// iteration reached its end or the loop left it.
func (it *Iterator[K, V]) Err() error { return it.w.err }

// walk is an iteration over the entries of a map of any type.
type walk struct {
	m        *Map
	keyByKey bool // do not use batches
	// valueSize is the distance between the values of two entries, if it is not the map's value
	// size.
	valueSize int

	key, value unsafe.Pointer // the current entry, valid until the next call of more
	values     int            // number of its values: one for each CPU, or one
	err        error

	keyMem, valueMem []uint64 // the entries read last
	room             int      // capacity, in entries
	got, next        int      // number of entries, and index of the next one
	last             bool     // these are the last entries
	failed           error    // the reason, if it is an error
	cur              BatchCursor
	seen             *walkGuard
}

// start starts over.
func (w *walk) start() {
	m := w.m
	spec := m.spec()
	w.values, w.err, w.failed, w.seen, w.cur = 1, nil, nil, nil, BatchCursor{}
	w.got, w.next, w.last = 0, 0, false
	if m.isPerCPU() {
		if w.values, w.failed = PossibleCPUs(); w.failed != nil {
			w.failed, w.last = m.wrap(opIterate, w.failed), true
			return
		}
		w.valueSize = w.values * m.stride()
	}
	if w.valueSize == 0 {
		w.valueSize = int(spec.ValueSize)
	}
	if w.keyMem == nil {
		each := int(spec.KeySize) + w.valueSize
		w.makeRoom(min(max(1, walkBytes/max(1, each)), max(1, int(m.MaxEntries()))))
	}
	if m.restartsWalks() {
		w.guard()
	}
	if w.keyByKey || m.isSparse() {
		w.cur = BatchCursor{place: keyStart, token: make([]byte, max(4, spec.KeySize))}
	}
}

func (w *walk) makeRoom(n int) {
	w.room = n
	w.keyMem = make([]uint64, (n*int(w.m.spec().KeySize)+7)/8+1)
	w.valueMem = make([]uint64, (n*w.valueSize+7)/8+1)
}

func (w *walk) guard() {
	w.seen = &walkGuard{keys: map[string]struct{}{}, budget: 64 * (int64(w.m.MaxEntries()) + 1024)}
}

// more advances to the next entry. At the end it returns false, and err is the reason.
func (w *walk) more() bool {
	keySize := int(w.m.spec().KeySize)
	for {
		for w.next < w.got {
			w.key = unsafe.Add(unsafe.Pointer(unsafe.SliceData(w.keyMem)), w.next*keySize)
			w.value = unsafe.Add(unsafe.Pointer(unsafe.SliceData(w.valueMem)), w.next*w.valueSize)
			w.next++
			if w.seen == nil || w.seen.first(unsafe.Slice((*byte)(w.key), keySize)) {
				return true
			}
			if w.seen.budget < 0 {
				w.err = newMapError(w.m.Name(), opIterate, errTooManyChanges)
				return false
			}
		}
		if w.last {
			w.err = w.failed
			return false
		}
		w.read()
	}
}

// read reads the next entries.
func (w *walk) read() {
	for {
		keys, values := unsafe.Pointer(unsafe.SliceData(w.keyMem)), unsafe.Pointer(unsafe.SliceData(w.valueMem))
		w.got, w.failed = w.m.readBatch(&w.cur, keys, values, w.room, w.valueSize, false)
		if !errors.Is(w.failed, unix.ENOSPC) {
			break
		}
		w.makeRoom(2 * w.room)
	}
	w.next, w.last = 0, w.failed != nil || w.got == 0
	if w.seen == nil && w.cur.place == inKeys && !w.m.hasIndexKeys() {
		w.guard() // the kernel walks this kind of hash key by key
	}
}

// walkKeys calls yield with each key of m, until yield returns false.
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
			return newMapError(m.spec().Name, opIterate, errTooManyChanges)
		}
		last = unsafe.Pointer(next)
		if seen.first(unsafe.Slice((*byte)(last), unsafe.Sizeof(*next))) && !yield(*next) {
			return nil
		}
	}
}

// restartsWalks reports whether the kernel walks the map from key to key even in batches: if the
// last key was deleted, it starts over (trie_get_next_key, generic_map_lookup_batch).
func (m *Map) restartsWalks() bool { return m.spec().Type == sys.MapTypeLPMTrie }

// isSparse reports whether m is an array that may have empty slots, which a batch lookup before 6.9
// takes for an interruption (generic_map_lookup_batch).
func (m *Map) isSparse() bool {
	return m.hasIndexKeys() && m.spec().Type != sys.MapTypeArray && m.spec().Type != sys.MapTypePerCPUArray
}

// walkGuard remembers the keys that a walk has visited, and stops a walk that does not end.
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
