package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/sys"

// ArrayMap is a map of type array (BPF_MAP_TYPE_ARRAY): max_entries values,
// all of them always there. An index past the end is [ErrKeyNotExist].
//
// V has the size and layout of the C type and holds no Go pointers. An
// ArrayMap is a small value; copies are the same map. It is safe for concurrent use.
type ArrayMap[V any] struct{ table[uint32, V] }

// NewArrayMap gives m its type. It panics if V's size is not that of the
// map's values: that is a mistake in the code that calls it.
func NewArrayMap[V any](m *Map) ArrayMap[V] { return ArrayMap[V]{newTable[uint32, V](m)} }

// hasIndexKeys is true for maps whose keys are 0 to max_entries-1.
func (m *Map) hasIndexKeys() bool {
	switch m.spec().Type {
	case sys.MapTypeArray, sys.MapTypeProgArray, sys.MapTypePerfEventArray, sys.MapTypePerCPUArray, sys.MapTypeCgroupArray,
		sys.MapTypeArrayOfMaps, sys.MapTypeDevMap, sys.MapTypeSockMap, sys.MapTypeCPUMap, sys.MapTypeXSKMap, sys.MapTypeReuseportSockArray:
		return true
	}
	return false
}
