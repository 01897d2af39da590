package runtime

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// LocalStorage is a map whose values belong to kernel objects, and are freed with them. User space
// identifies an object by a file descriptor:
//
//   - BPF_MAP_TYPE_TASK_STORAGE: a pidfd (unix.PidfdOpen) of a process or thread
//   - BPF_MAP_TYPE_SK_STORAGE: a socket
//   - BPF_MAP_TYPE_INODE_STORAGE: an open file
//   - BPF_MAP_TYPE_CGRP_STORAGE (6.2): a directory of cgroup version 2
//
// The kernel cannot list the objects that have a value. V must have the size and layout of the C
// type, and must not contain Go pointers. A LocalStorage is safe for concurrent use.
type LocalStorage[V any] struct{ ref }

// NewLocalStorage returns m as a LocalStorage; see [NewHashMap].
func NewLocalStorage[V any](m *Map) *LocalStorage[V] {
	m.fits("key", m.spec().KeySize, (*int32)(nil), 4)
	m.fits("value", m.spec().ValueSize, (*V)(nil), unsafe.Sizeof(*new(V)))
	return (*LocalStorage[V])(unsafe.Pointer(m))
}

func (s *LocalStorage[V]) m() *Map { return (*Map)(unsafe.Pointer(s)) }

// Lookup returns the object's value, or [ErrKeyNotExist].
func (s *LocalStorage[V]) Lookup(objectFD int) (v V, err error) {
	c := s.m().begin(opLookup)
	*(*int32)(c.key) = int32(objectFD)
	if err = c.do(sys.CmdMapLookupElem, 0); err == nil {
		v = *(*V)(c.value)
	}
	c.end()
	return v, err
}

// Update sets the object's value. It fails with [ErrKeyExist] or [ErrKeyNotExist], depending on
// flags.
func (s *LocalStorage[V]) Update(objectFD int, v V, flags UpdateFlags) error {
	c := s.m().begin(opUpdate)
	*(*int32)(c.key), *(*V)(c.value) = int32(objectFD), v
	return c.update(flags)
}

// Delete removes the object's value, or fails with [ErrKeyNotExist].
func (s *LocalStorage[V]) Delete(objectFD int) error {
	c := s.m().begin(opDelete)
	*(*int32)(c.key) = int32(objectFD)
	return c.delete()
}
