package runtime

// HashMap is a map of type hash, LRU hash or resizable hash
// (BPF_MAP_TYPE_HASH, LRU_HASH, RHASH).
//
// K and V have the size and layout of the C types and hold no Go pointers.
// A HashMap is a small value; copies are the same map. It is safe for concurrent use.
type HashMap[K, V any] struct{ table[K, V] }

// NewHashMap gives m its types. It panics if their sizes are not those of the
// map: that is a mistake in the code that calls it.
func NewHashMap[K, V any](m *Map) HashMap[K, V] { return HashMap[K, V]{newTable[K, V](m)} }

// Delete removes k, or fails with [ErrKeyNotExist].
func (h HashMap[K, V]) Delete(k K) error { return h.delete(k) }

// LookupAndDelete removes k and returns the value that it had, in one step
// (5.14).
func (h HashMap[K, V]) LookupAndDelete(k K) (V, error) { return h.lookupAndDelete(k) }

// DeleteBatch removes all keys and returns how many it did, up to the first that fails.
func (h HashMap[K, V]) DeleteBatch(keys []K) (int, error) { return h.deleteBatch(keys) }

// LookupAndDeleteBatch is LookupBatch that removes what it returns.
func (h HashMap[K, V]) LookupAndDeleteBatch(cur *BatchCursor, keys []K, values []V) (int, error) {
	return h.nextBatch(cur, keys, values, true)
}

// LPMTrie is a map of longest prefixes (BPF_MAP_TYPE_LPM_TRIE). K begins with
// the prefix length in bits, a uint32 in the machine's byte order, and goes on
// with the prefix, most significant byte first: struct bpf_lpm_trie_key.
//
// Lookup finds the longest prefix that matches, not exactly k.
type LPMTrie[K, V any] struct{ table[K, V] }

// NewLPMTrie gives m its types; see [NewHashMap].
func NewLPMTrie[K, V any](m *Map) LPMTrie[K, V] { return LPMTrie[K, V]{newTable[K, V](m)} }

// Delete removes exactly k, or fails with [ErrKeyNotExist].
func (l LPMTrie[K, V]) Delete(k K) error { return l.delete(k) }

// DeleteBatch removes all keys and returns how many it did, up to the first that fails.
func (l LPMTrie[K, V]) DeleteBatch(keys []K) (int, error) { return l.deleteBatch(keys) }
