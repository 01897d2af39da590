package runtime

import (
	"fmt"
	"syscall"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// fdTable is a map whose values are files to user space when it writes them:
// programs, sockets, cgroups. They are 4 or 8 bytes, as the object says; 8 are enough for either.
type fdTable[K any] struct{ table[K, [2]uint32] }

func newFDTable[K any](m *Map) fdTable[K] {
	checkKey[K](m)
	if size := m.spec().ValueSize; size != 4 && size != 8 {
		panic(fmt.Sprintf("map %s: the map's value has %d bytes, not 4 or 8", m.spec().Name, size))
	}
	return fdTable[K]{table[K, [2]uint32]{ref{m}}}
}

// number is a value that the kernel reads as one number of the map's value size.
func (t fdTable[K]) number(n int) (v [2]uint32) {
	if t.m.spec().ValueSize == 8 {
		*(*uint64)(unsafe.Pointer(&v)) = uint64(n)
	} else {
		v[0] = uint32(n)
	}
	return v
}

// put sets the value of k to the file descriptor of a program.
func (t fdTable[K]) putProgram(k K, p *Program) error {
	num, err := p.fd.acquire()
	if err != nil {
		return p.fail("put into map "+t.Name(), err)
	}
	defer p.fd.release()
	return t.Update(k, t.number(num), Any)
}

// putSocket sets the value of k to a socket.
func (t fdTable[K]) putSocket(k K, conn syscall.Conn, flags UpdateFlags) error {
	err := withSocket(conn, func(num int) error { return t.Update(k, t.number(num), flags) })
	if err != nil {
		if _, ok := err.(*MapError); !ok {
			return t.m.wrap(opUpdate, err)
		}
	}
	return err
}

// ProgramArray is a map of type program array (BPF_MAP_TYPE_PROG_ARRAY): what
// bpf_tail_call jumps to. The programs have to be of one kind. It is emptied when its last user in user
// space is gone: when the skeleton is closed, and the map is not pinned. It is safe for concurrent use.
type ProgramArray struct {
	*Map
	t fdTable[uint32]
}

// NewProgramArray gives m its kind.
func NewProgramArray(m *Map) ProgramArray { return ProgramArray{m, newFDTable[uint32](m)} }

// Update puts a program at index i.
func (a ProgramArray) Update(i uint32, p AnyProgram) error { return a.t.putProgram(i, p.untyped()) }

// LookupID returns the ID of the program at index i, or [ErrKeyNotExist].
func (a ProgramArray) LookupID(i uint32) (uint32, error) {
	v, err := a.t.Lookup(i)
	return v[0], err
}

// Delete empties index i, or fails with [ErrKeyNotExist].
func (a ProgramArray) Delete(i uint32) error { return a.t.delete(i) }

// CgroupArray is a map of type cgroup array (BPF_MAP_TYPE_CGROUP_ARRAY), for
// bpf_current_task_under_cgroup and bpf_skb_under_cgroup. It is safe for concurrent use.
type CgroupArray struct {
	*Map
	t fdTable[uint32]
}

// NewCgroupArray gives m its kind.
func NewCgroupArray(m *Map) CgroupArray { return CgroupArray{m, newFDTable[uint32](m)} }

// Update puts the cgroup (version 2) in that directory at index i.
func (a CgroupArray) Update(i uint32, dir string) error {
	num, err := sys.Open(dir)
	if err != nil {
		return a.wrap(opUpdate, err)
	}
	defer unix.Close(num)
	return a.t.Update(i, a.t.number(num), Any)
}

// Delete empties index i, or fails with [ErrKeyNotExist].
func (a CgroupArray) Delete(i uint32) error { return a.t.delete(i) }

// SockHash is a map of type sockhash (BPF_MAP_TYPE_SOCKHASH): sockets that programs
// send packets to. A socket leaves it when it is closed. It is safe for concurrent use.
type SockHash[K any] struct {
	ref
	t fdTable[K]
}

// NewSockHash gives m the type of its keys; see [NewHashMap].
func NewSockHash[K any](m *Map) SockHash[K] { return SockHash[K]{ref{m}, newFDTable[K](m)} }

// Update puts a socket under k.
func (s SockHash[K]) Update(k K, conn syscall.Conn, flags UpdateFlags) error {
	return s.t.putSocket(k, conn, flags)
}

// LookupCookie returns the cookie of the socket under k (SO_COOKIE), or [ErrKeyNotExist]. The object
// has to define the map with values of 8 bytes.
func (s SockHash[K]) LookupCookie(k K) (uint64, error) { return s.t.cookie(k) }

// Delete removes k, or fails with [ErrKeyNotExist].
func (s SockHash[K]) Delete(k K) error { return s.t.missingSocket(s.t.delete(k)) }

// SockMap is a map of type sockmap (BPF_MAP_TYPE_SOCKMAP) or socket array
// for reuseport groups (BPF_MAP_TYPE_REUSEPORT_SOCKARRAY): sockets by index. A socket leaves it when it is closed. It is
// safe for concurrent use.
type SockMap struct {
	*Map
	t fdTable[uint32]
}

// NewSockMap gives m its kind.
func NewSockMap(m *Map) SockMap { return SockMap{m, newFDTable[uint32](m)} }

// Update puts a socket at index i.
func (s SockMap) Update(i uint32, conn syscall.Conn, flags UpdateFlags) error {
	return s.t.putSocket(i, conn, flags)
}

// LookupCookie returns the cookie of the socket at index i (SO_COOKIE), or [ErrKeyNotExist]. The
// object has to define the map with values of 8 bytes.
func (s SockMap) LookupCookie(i uint32) (uint64, error) { return s.t.cookie(i) }

// Delete empties index i, or fails with [ErrKeyNotExist].
func (s SockMap) Delete(i uint32) error { return s.t.missingSocket(s.t.delete(i)) }

func (t fdTable[K]) cookie(k K) (uint64, error) {
	v, err := t.Lookup(k)
	return *(*uint64)(unsafe.Pointer(&v)), err
}

// missingSocket makes ErrKeyNotExist of the EINVAL that an empty index of a sockmap gives (__sock_map_delete).
func (t fdTable[K]) missingSocket(err error) error {
	if e, ok := err.(*MapError); ok && e.Err == error(unix.EINVAL) {
		return t.m.missing(opDelete, unix.ENOENT)
	}
	return err
}
