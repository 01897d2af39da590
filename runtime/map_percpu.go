package runtime

import (
	"iter"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// perCPU is a map with one value per possible CPU under each key.
//
// The kernel's values are 8 bytes apart or a multiple of it, whatever their
// size, so they pass through a buffer, one word for each 8 bytes.
type perCPU[K, V any] struct{ ref }

func newPerCPU[K, V any](m *Map) perCPU[K, V] {
	checkKey[K](m)
	checkSize[V](m, "value", m.spec().ValueSize)
	return perCPU[K, V]{ref{m}}
}

// cpus is the number of values under each key, 0 if it cannot be known: no sysfs.
func (m *Map) cpus() int {
	n, _ := PossibleCPUs()
	return n
}

// words is how far one CPU's value is from the next, in words of 8 bytes.
func (m *Map) words() int { return (int(m.spec().ValueSize) + 7) / 8 }

// beginAll is begin for n values.
func (m *Map) beginAll(op string, n int) (*call, error) {
	cpus, err := PossibleCPUs()
	if err != nil {
		return nil, m.wrap(op, err)
	}
	if n != cpus {
		return nil, &MapError{m.Name(), op, errCPUCount}
	}
	return m.begin(op)
}

// CPUs returns the number of values under each key: of CPUs that the machine
// may ever have.
func (p perCPU[K, V]) CPUs() int { return p.m.cpus() }

// Lookup returns the values of k, one per possible CPU, or [ErrKeyNotExist].
func (p perCPU[K, V]) Lookup(k K) ([]V, error) {
	values := make([]V, p.m.cpus())
	if err := p.LookupInto(k, values); err != nil {
		return nil, err
	}
	return values, nil
}

// LookupInto is Lookup without an allocation: values has to have CPUs elements.
func (p perCPU[K, V]) LookupInto(k K, values []V) error {
	return p.read(opLookup, sys.CmdMapLookupElem, k, values)
}

func (p perCPU[K, V]) read(op string, cmd sys.Cmd, k K, values []V) error {
	c, err := p.m.beginAll(op, len(values))
	if err != nil {
		return err
	}
	*keyAt[K](c) = k
	errno := c.do(cmd)
	if errno == 0 {
		spread(values, c.value, p.m.words())
	}
	p.m.end(c)
	return p.m.missing(op, errno)
}

// Update sets the values of k, one per possible CPU. It fails as [HashMap]'s does.
func (p perCPU[K, V]) Update(k K, values []V, flags UpdateFlags) error {
	c, err := p.m.beginAll(opUpdate, len(values))
	if err != nil {
		return err
	}
	*keyAt[K](c) = k
	clear(c.value)
	for i := range values {
		*(*V)(unsafe.Pointer(&c.value[i*p.m.words()])) = values[i]
	}
	return p.m.write(c, opUpdate, flags)
}

func (p perCPU[K, V]) delete(k K) error { return deleteKey(p.m, k) }

// All iterates over all entries, in no order, as [HashMap]'s does. The slice is the loop's to keep.
func (p perCPU[K, V]) All() iter.Seq2[K, []V] {
	var err error
	return p.AllErr(&err)
}

// AllErr is All that sets *err when the iteration ends: to nil, or to what
// ended it early.
func (p perCPU[K, V]) AllErr(err *error) iter.Seq2[K, []V] {
	return func(yield func(K, []V) bool) {
		cpus, none := PossibleCPUs()
		if none != nil {
			*err = none
			return
		}
		*err = walk(p.m, cpus*p.m.words(), func(k K, words []uint64) bool {
			values := make([]V, cpus)
			spread(values, words, p.m.words())
			return yield(k, values)
		})
	}
}

// spread copies values out of a buffer where they are that many words apart.
func spread[V any](values []V, buf []uint64, words int) {
	for i := range values {
		values[i] = *(*V)(unsafe.Pointer(&buf[i*words]))
	}
}

var errCPUCount error = &sentinelError{"there has to be one value per possible CPU", unix.EINVAL}

// PerCPUHashMap is a map of type per-CPU hash or per-CPU LRU hash
// (BPF_MAP_TYPE_PERCPU_HASH, LRU_PERCPU_HASH): under each key one value per possible CPU.
//
// K and V have the size and layout of the C types and hold no Go pointers.
// A PerCPUHashMap is a small value; copies are the same map. It is safe for concurrent use.
type PerCPUHashMap[K, V any] struct{ perCPU[K, V] }

// NewPerCPUHashMap gives m its types; see [NewHashMap].
func NewPerCPUHashMap[K, V any](m *Map) PerCPUHashMap[K, V] {
	return PerCPUHashMap[K, V]{newPerCPU[K, V](m)}
}

// Delete removes k with all its values, or fails with [ErrKeyNotExist].
func (h PerCPUHashMap[K, V]) Delete(k K) error { return h.delete(k) }

// LookupAndDelete removes k and returns the values that it had, in one step (5.14).
func (h PerCPUHashMap[K, V]) LookupAndDelete(k K) ([]V, error) {
	values := make([]V, h.m.cpus())
	err := h.read(opLookupDelete, sys.CmdMapLookupAndDeleteElem, k, values)
	if err != nil {
		return nil, err
	}
	return values, nil
}

// PerCPUArrayMap is a map of type per-CPU array (BPF_MAP_TYPE_PERCPU_ARRAY):
// under each index one value per possible CPU. It is safe for concurrent use.
type PerCPUArrayMap[V any] struct{ perCPU[uint32, V] }

// NewPerCPUArrayMap gives m its type; see [NewArrayMap].
func NewPerCPUArrayMap[V any](m *Map) PerCPUArrayMap[V] {
	return PerCPUArrayMap[V]{newPerCPU[uint32, V](m)}
}

// PossibleCPUs returns the number of CPUs that the machine may ever have
// online, which is how many values an entry of a per-CPU map has. It is safe for concurrent use.
func PossibleCPUs() (int, error) { return sys.PossibleCPUs() }
