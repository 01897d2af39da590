package runtime

// LocalStorage is a map whose values belong to kernel objects and go with
// them. User space names an object by a file descriptor:
//
//   - BPF_MAP_TYPE_TASK_STORAGE: a pidfd (unix.PidfdOpen), of a process or thread
//   - BPF_MAP_TYPE_SK_STORAGE: a socket
//   - BPF_MAP_TYPE_INODE_STORAGE: an open file
//   - BPF_MAP_TYPE_CGRP_STORAGE (6.2): a directory of cgroup version 2
//
// The kernel cannot list the objects that have a value. V has the size and layout of the C type and holds no
// Go pointers. A LocalStorage is a small value; copies are the same map. It is safe for concurrent use.
type LocalStorage[V any] struct {
	ref
	t table[int32, V]
}

// NewLocalStorage gives m its type; see [NewArrayMap].
func NewLocalStorage[V any](m *Map) LocalStorage[V] {
	return LocalStorage[V]{ref{m}, newTable[int32, V](m)}
}

// Lookup returns the object's value, or [ErrKeyNotExist].
func (s LocalStorage[V]) Lookup(objectFD int) (V, error) { return s.t.Lookup(int32(objectFD)) }

// Update sets the object's value. It fails with [ErrKeyExist], [ErrKeyNotExist] as flags ask for.
func (s LocalStorage[V]) Update(objectFD int, v V, flags UpdateFlags) error {
	return s.t.Update(int32(objectFD), v, flags)
}

// Delete removes the object's value, or fails with [ErrKeyNotExist].
func (s LocalStorage[V]) Delete(objectFD int) error { return s.t.delete(int32(objectFD)) }

// CgroupStorage is a map of type cgroup storage (BPF_MAP_TYPE_CGROUP_STORAGE):
// a value for each attachment of a program to a cgroup. K is struct bpf_cgroup_storage_key, or a
// uint64, the cgroup's inode, for a value that all attach types share. An entry comes and goes with the
// attachment: Update sets only what is there. It is safe for concurrent use.
type CgroupStorage[K, V any] struct{ table[K, V] }

// NewCgroupStorage gives m its types; see [NewHashMap].
func NewCgroupStorage[K, V any](m *Map) CgroupStorage[K, V] {
	return CgroupStorage[K, V]{newTable[K, V](m)}
}

// PerCPUCgroupStorage is a map of type per-CPU cgroup storage
// (BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE): [CgroupStorage] with one value per possible CPU.
type PerCPUCgroupStorage[K, V any] struct{ perCPU[K, V] }

// NewPerCPUCgroupStorage gives m its types; see [NewHashMap].
func NewPerCPUCgroupStorage[K, V any](m *Map) PerCPUCgroupStorage[K, V] {
	return PerCPUCgroupStorage[K, V]{newPerCPU[K, V](m)}
}

// CgroupStorageKey is struct bpf_cgroup_storage_key.
type CgroupStorageKey struct {
	CgroupInode uint64
	AttachType  uint32 // enum bpf_attach_type
	_           uint32
}
