package runtime

import (
	"fmt"
	"syscall"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// User space writes the values of some maps as file descriptors: programs, sockets, cgroups. The
// object defines them as 4 or 8 bytes; a call has room for 8.

// fitsFD panics if m's values cannot be file descriptors.
func (m *Map) fitsFD() {
	if size := m.spec().ValueSize; size != 4 && size != 8 {
		panic(fmt.Sprintf("map %s: values have %d bytes, want 4 or 8", m.spec().Name, size))
	}
}

// putNumber sets the call's value to n, in the map's value size, and ends the call.
func (c *call) putNumber(n int, flags UpdateFlags) error {
	if c.m.spec().ValueSize == 8 {
		*(*uint64)(c.value) = uint64(n)
	} else {
		*(*uint32)(c.value) = uint32(n)
	}
	return c.update(flags)
}

// putProgram sets the call's value to a program, and ends the call.
func (c *call) putProgram(p *Program) error {
	num, err := p.fd.acquire()
	if err != nil {
		err = p.fail("put into map "+c.m.Name(), err)
		c.end()
		return err
	}
	defer p.fd.release()
	return c.putNumber(num, Any)
}

// putSocket sets the call's value to a socket, and ends the call.
func (c *call) putSocket(conn syscall.Conn, flags UpdateFlags) error {
	m, ended := c.m, false
	err := withSocket(conn, func(num int) error {
		ended = true
		return c.putNumber(num, flags)
	})
	if !ended {
		c.end()
		err = m.wrap(opUpdate, err)
	}
	return err
}

// cookie looks up a socket's cookie, and ends the call.
func (c *call) cookie() (n uint64, err error) {
	*(*uint64)(c.value) = 0
	if err = c.do(sys.CmdMapLookupElem, 0); err == nil {
		n = *(*uint64)(c.value)
	}
	c.end()
	return n, err
}

// deleteSocket is delete, but returns ErrKeyNotExist instead of EINVAL, which the kernel returns
// for an empty index of a sockmap (__sock_map_delete).
func (c *call) deleteSocket() error {
	m := c.m
	err := c.delete()
	if e, ok := err.(*MapError); ok && e.Err == error(unix.EINVAL) {
		return m.missing(opDelete, unix.ENOENT)
	}
	return err
}

// ProgramArray is a map of type program array (BPF_MAP_TYPE_PROG_ARRAY): the programs that
// bpf_tail_call jumps to, which must all be of one kind. The kernel empties it when user space no
// longer refers to it: when the skeleton is closed and the map is not pinned. A ProgramArray is
// safe for concurrent use.
type ProgramArray struct{ ref }

// NewProgramArray returns m as a ProgramArray; see [NewHashMap].
func NewProgramArray(m *Map) *ProgramArray {
	m.fitsIndex()
	m.fitsFD()
	return (*ProgramArray)(unsafe.Pointer(m))
}

func (a *ProgramArray) m() *Map { return (*Map)(unsafe.Pointer(a)) }

// Update stores a program at index i.
func (a *ProgramArray) Update(i uint32, p AnyProgram) error {
	return a.m().at(opUpdate, i).putProgram(programOf(p))
}

// LookupID returns the ID of the program at index i, or [ErrKeyNotExist].
func (a *ProgramArray) LookupID(i uint32) (uint32, error) { return a.m().at(opLookup, i).number() }

// Delete clears index i, or fails with [ErrKeyNotExist].
func (a *ProgramArray) Delete(i uint32) error { return a.m().at(opDelete, i).delete() }

// CgroupArray is a map of type cgroup array (BPF_MAP_TYPE_CGROUP_ARRAY), for
// bpf_current_task_under_cgroup and bpf_skb_under_cgroup. It is safe for concurrent use.
type CgroupArray struct{ ref }

// NewCgroupArray returns m as a CgroupArray; see [NewHashMap].
func NewCgroupArray(m *Map) *CgroupArray {
	m.fitsIndex()
	m.fitsFD()
	return (*CgroupArray)(unsafe.Pointer(m))
}

func (a *CgroupArray) m() *Map { return (*Map)(unsafe.Pointer(a)) }

// Update stores the cgroup (version 2) with the given directory at index i.
func (a *CgroupArray) Update(i uint32, dir string) error {
	m := a.m()
	m.spec()
	num, err := sys.Open(dir)
	if err != nil {
		return m.wrap(opUpdate, err)
	}
	defer unix.Close(num)
	return m.at(opUpdate, i).putNumber(num, Any)
}

// Delete clears index i, or fails with [ErrKeyNotExist].
func (a *CgroupArray) Delete(i uint32) error { return a.m().at(opDelete, i).delete() }

// SockHash is a map of type sockhash (BPF_MAP_TYPE_SOCKHASH): sockets that programs redirect
// packets to. A socket is removed when it is closed. A SockHash is safe for concurrent use.
type SockHash[K any] struct{ ref }

// NewSockHash returns m as a SockHash; see [NewHashMap].
func NewSockHash[K any](m *Map) *SockHash[K] {
	m.fits("key", m.spec().KeySize, (*K)(nil), unsafe.Sizeof(*new(K)))
	m.fitsFD()
	return (*SockHash[K])(unsafe.Pointer(m))
}

func (s *SockHash[K]) m() *Map { return (*Map)(unsafe.Pointer(s)) }

// Update stores a socket under k.
func (s *SockHash[K]) Update(k K, conn syscall.Conn, flags UpdateFlags) error {
	c := s.m().begin(opUpdate)
	*(*K)(c.key) = k
	return c.putSocket(conn, flags)
}

// LookupCookie returns the cookie (SO_COOKIE) of the socket under k, or [ErrKeyNotExist]. The
// object must define the map with values of 8 bytes.
func (s *SockHash[K]) LookupCookie(k K) (uint64, error) {
	c := s.m().begin(opLookup)
	*(*K)(c.key) = k
	return c.cookie()
}

// Delete removes k, or fails with [ErrKeyNotExist].
func (s *SockHash[K]) Delete(k K) error {
	c := s.m().begin(opDelete)
	*(*K)(c.key) = k
	return c.deleteSocket()
}

// SockMap is a map of sockets by index: a sockmap (BPF_MAP_TYPE_SOCKMAP), or a socket array for
// reuseport groups (BPF_MAP_TYPE_REUSEPORT_SOCKARRAY). A socket is removed when it is closed. A
// SockMap is safe for concurrent use.
type SockMap struct{ ref }

// NewSockMap returns m as a SockMap; see [NewHashMap].
func NewSockMap(m *Map) *SockMap {
	m.fitsIndex()
	m.fitsFD()
	return (*SockMap)(unsafe.Pointer(m))
}

func (s *SockMap) m() *Map { return (*Map)(unsafe.Pointer(s)) }

// Update stores a socket at index i.
func (s *SockMap) Update(i uint32, conn syscall.Conn, flags UpdateFlags) error {
	return s.m().at(opUpdate, i).putSocket(conn, flags)
}

// LookupCookie returns the cookie (SO_COOKIE) of the socket at index i, or [ErrKeyNotExist]. The
// object must define the map with values of 8 bytes.
func (s *SockMap) LookupCookie(i uint32) (uint64, error) { return s.m().at(opLookup, i).cookie() }

// Delete clears index i, or fails with [ErrKeyNotExist].
func (s *SockMap) Delete(i uint32) error { return s.m().at(opDelete, i).deleteSocket() }
