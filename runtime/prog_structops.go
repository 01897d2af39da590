package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// StructOpsProgram is a program of type STRUCT_OPS. The kernel calls it through the struct that it
// is a member of, so it has no Attach method; see [StructOpsMap]. As a member of a struct, the zero
// value leaves the function out.
type StructOpsProgram struct{ *Program }

// NewStructOpsProgram returns p as a StructOpsProgram.
func NewStructOpsProgram(p *Program) StructOpsProgram { return StructOpsProgram{p} }

// StructOpsMap is a map of type STRUCT_OPS: a struct whose functions are programs that the kernel
// calls. Its methods are safe for concurrent use, except those that change it before Load.
type StructOpsMap struct {
	*Map
	ops   *StructOps // nil for maps of other types
	index int        // in ops
}

func (m *StructOpsMap) describe() *spec.StructOps { return &m.ops.list[m.index] }

// operations returns m.ops, or nil for a map of another type.
func (m *StructOpsMap) operations() *StructOps {
	if m == nil || m.Map == nil {
		panic(noMap)
	}
	return m.ops
}

// AutoCreate reports whether Load creates the map. The default is false for sections that begin
// with '?', and true for others.
func (m *StructOpsMap) AutoCreate() bool {
	return m.operations() != nil && m.ops.values[m.index].Create
}

// SetAutoCreate sets whether Load creates the map, and with it whether Load loads the programs that
// only this struct uses. It has no effect after the load, and is not safe for concurrent use.
func (m *StructOpsMap) SetAutoCreate(create bool) {
	if m.operations() != nil {
		m.ops.values[m.index].Create = create
	}
}

// Data returns the struct's contents, in the layout of the object's struct, which may be changed
// until Load. Its pointers are ignored. Generated packages have a typed struct instead.
func (m *StructOpsMap) Data() []byte {
	if m.operations() == nil {
		return nil
	}
	return m.ops.values[m.index].Data
}

// SetProgram sets the program of one of the struct's functions for the next Load, or none if p is
// nil. Generated packages have a typed struct instead.
func (m *StructOpsMap) SetProgram(member string, p *Program) error {
	op := "set member " + member
	if m.operations() == nil {
		return m.fail(op, errNoOperations)
	}
	for i := range m.describe().Members {
		if of := &m.describe().Members[i]; of.Name != member || !of.IsPointer() {
			continue
		}
		index, err := m.ops.indexOf(p)
		if err != nil {
			return m.fail(op, err)
		}
		m.ops.values[m.index].Programs[i] = index
		return nil
	}
	return m.fail(op, &sentinelError{text: "struct " + m.describe().Type + " has no such function", errno: unix.ENOENT})
}

func (m *StructOpsMap) fail(op string, err error) error { return newMapError(m.Name(), op, err) }

var errNoOperations = errors.New("not a struct_ops map")

// Attach registers the struct: from then on the kernel calls its functions. For section
// .struct_ops.link (6.4), the result is a BPF link, which can be updated and pinned. Otherwise the
// registration outlives the process, and only Close ends it.
func (m *StructOpsMap) Attach() (*Link, error) {
	op := "attach"
	if m.operations() != nil {
		op = "attach struct " + m.describe().Type
	}
	if m.ops != nil && !m.hasLink() {
		return m.attachWithoutLink(op)
	}
	num, release, err := m.register(op)
	if err != nil {
		return nil, err
	}
	defer release()
	attr := sys.LinkCreateAttr{ProgFd: uint32(num), AttachType: sys.AttachStructOps}
	fd, errno := sys.BPF(sys.CmdLinkCreate, unsafe.Pointer(&attr), unsafe.Offsetof(attr.Tail))
	if errno != 0 {
		return nil, m.fail(op, withHint(errno, explain.StructOpsHint(errno, true)))
	}
	link := &Link{name: ofMap + m.Name(), what: op}
	link.fd.set(fd)
	return link, nil
}

// attachWithoutLink registers the struct by updating the map. The link keeps the map open, which
// Close needs to unregister it.
func (m *StructOpsMap) attachWithoutLink(op string) (*Link, error) {
	held, err := m.fd.dup()
	if err != nil {
		return nil, m.fail(op, m.whyClosed(err))
	}
	_, release, err := m.register(op)
	if err != nil {
		unix.Close(held)
		return nil, err
	}
	release()
	return &Link{name: ofMap + m.Name(), what: op, undo: func() error {
		defer unix.Close(held)
		if errno := unregister(held); errno != 0 {
			return errno
		}
		return nil
	}}, nil
}

func (m *StructOpsMap) hasLink() bool { return m.spec().Flags&sys.FlagLink != 0 }

// register sets the map's value, and keeps the map and the programs open until release. Without a
// BPF link, this registers the struct (libbpf's bpf_map__attach_struct_ops).
func (m *StructOpsMap) register(op string) (num int, release func(), err error) {
	if m.ops == nil {
		return -1, nil, m.fail(op, errNoOperations)
	}
	if num, err = m.fd.acquire(); err != nil {
		return -1, nil, m.fail(op, m.whyClosed(err))
	}
	operation := m.loaded()
	programs, err := m.acquirePrograms(operation.Functions)
	release = func() {
		for _, p := range programs {
			p.fd.release()
		}
		m.fd.release()
	}
	if err != nil {
		release()
		return -1, nil, m.fail(op, err)
	}
	if errno := m.setValue(num, operation); errno != 0 {
		release()
		return -1, nil, m.fail(op, withHint(errno, explain.StructOpsHint(errno, false)))
	}
	return num, release, nil
}

// loaded returns the struct as it was loaded, or nil before the load.
func (m *StructOpsMap) loaded() *load.KernelOperation {
	if all := m.ops.loaded.Load(); all != nil {
		return &(*all)[m.index]
	}
	return nil
}

// whyClosed returns the reason why the map has no file descriptor.
func (m *StructOpsMap) whyClosed(err error) error {
	loaded := m.loaded()
	switch {
	case err != error(os.ErrClosed):
	case loaded == nil:
		return errNotLoaded
	case loaded.Value == nil:
		return &sentinelError{text: "not created: call SetAutoCreate(true) before Load", errno: unix.ENOENT}
	}
	return err
}

// acquirePrograms acquires the struct's programs. On failure it returns those that it has acquired.
func (m *StructOpsMap) acquirePrograms(functions []load.KernelFunction) ([]*Program, error) {
	var held []*Program
	for i := range functions {
		p := m.ops.skeleton.Program(int(functions[i].Program))
		if _, err := p.fd.acquire(); err != nil {
			return held, fmt.Errorf("program %s: %w", p.Name(), err)
		}
		held = append(held, p)
	}
	return held, nil
}

// setValue updates the map. A map with a link can be updated only once; then EBUSY is not an error.
func (m *StructOpsMap) setValue(num int, operation *load.KernelOperation) unix.Errno {
	value := append([]byte(nil), operation.Value...)
	for _, f := range operation.Functions {
		fd := m.ops.skeleton.Program(int(f.Program)).fd.peek()
		binary.NativeEndian.PutUint64(value[f.Offset:], uint64(fd)) // an unsigned long of a 64-bit kernel
	}
	key := new(uint32)
	attr := sys.MapElemAttr{MapFd: uint32(num), Key: sys.Addr(unsafe.Pointer(key)), Value: sys.Addr(unsafe.Pointer(&value[0]))}
	errno := elemCall(sys.CmdMapUpdateElem, &attr)
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	if errno == unix.EBUSY && m.hasLink() {
		return 0
	}
	return errno
}

// unregister unregisters a struct without a link, by deleting the element.
func unregister(num int) unix.Errno {
	key := new(uint32)
	attr := sys.MapElemAttr{MapFd: uint32(num), Key: sys.Addr(unsafe.Pointer(key))}
	errno := elemCall(sys.CmdMapDeleteElem, &attr)
	runtime.KeepAlive(key)
	return errno
}

// updateLink replaces the struct of a link with this one.
func (m *StructOpsMap) updateLink(l *Link, link int) error {
	if m == nil || m.Map == nil || m.ops == nil {
		return l.fail("update", errNoOperations)
	}
	if !m.hasLink() {
		return l.fail("update", &sentinelError{text: "map " + m.Name() + " cannot update a link: put it in section .struct_ops.link", errno: unix.EINVAL})
	}
	num, release, err := m.register("replace " + l.name)
	if err != nil {
		return err
	}
	defer release()
	updating.Lock()
	defer updating.Unlock()
	if is, err := sameMap(link, num); err != nil {
		return l.fail("update", err)
	} else if is {
		return nil
	}
	return updateLink(l, link, num)
}

// updating serializes updates of links to struct_ops maps, so that a link does not change between
// sameMap and the update. The kernel does not check whether a link is updated to the map that it
// already has: a congestion control is then in the kernel's list twice, and no process can ever use
// the list again (tcp_update_congestion_control, seen in Linux 6.18).
var updating sync.Mutex

// sameMap reports whether a link refers to the given map.
func sameMap(link, num int) (bool, error) {
	of := new(sys.LinkInfo)
	if errno := sys.ObjInfo(link, unsafe.Pointer(of), unsafe.Sizeof(*of)); errno != 0 {
		return false, errno
	}
	m, errno := sys.MapInfoOf(num)
	if errno != 0 {
		return false, errno
	}
	return LinkType(of.Type) == LinkStructOps && binary.NativeEndian.Uint32(of.Tail[:]) == m.Id, nil
}
