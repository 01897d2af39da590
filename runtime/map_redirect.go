package runtime

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// XDP programs redirect packets to destinations, which are numbers. If the object defines values of
// 8 bytes, a destination may have a program that runs there.

// putPlace sets the call's value to a number and a program, which may be nil, and ends the call.
func (c *call) putPlace(n uint32, p *Program, flags UpdateFlags) error {
	v := (*[2]uint32)(c.value)
	*v = [2]uint32{n, 0}
	if p == nil {
		return c.update(flags)
	}
	if c.m.spec().ValueSize != 8 {
		err := newMapError(c.m.Name(), c.op, errNoRoomForProgram)
		c.end()
		return err
	}
	num, err := p.fd.acquire()
	if err != nil {
		err = p.fail("put into map "+c.m.Name(), err)
		c.end()
		return err
	}
	defer p.fd.release()
	v[1] = uint32(num)
	return c.update(flags)
}

// place looks up a number and the ID of its program, and ends the call.
func (c *call) place() (n, programID uint32, err error) {
	v := (*[2]uint32)(c.value)
	*v = [2]uint32{}
	if err = c.do(sys.CmdMapLookupElem, 0); err == nil {
		n, programID = v[0], v[1]
	}
	c.end()
	return n, programID, err
}

var (
	errNoInterface      error = &sentinelError{text: "invalid interface index", errno: unix.EINVAL}
	errNoRoomForProgram error = &sentinelError{text: "the map's values have no room for a program: define values of 8 bytes", errno: unix.EINVAL}
)

// DevMap is a map of type devmap (BPF_MAP_TYPE_DEVMAP, DEVMAP_HASH): network interfaces that
// bpf_redirect_map sends packets to. It is safe for concurrent use.
type DevMap struct{ ref }

// NewDevMap returns m as a DevMap; see [NewHashMap].
func NewDevMap(m *Map) *DevMap {
	m.fitsIndex()
	m.fitsFD()
	return (*DevMap)(unsafe.Pointer(m))
}

func (d *DevMap) m() *Map { return (*Map)(unsafe.Pointer(d)) }

// DevMapEntry is a network interface, and the ID of the program that runs on packets redirected
// there, or 0 for none.
type DevMapEntry struct {
	Ifindex   uint32
	ProgramID uint32
}

// Update stores an interface under k. p is a program of section xdp/devmap that runs on packets
// redirected there, or nil. A program requires values of 8 bytes, struct bpf_devmap_val.
func (d *DevMap) Update(k uint32, ifindex int, p *XDPProgram, flags UpdateFlags) error {
	if int(int32(ifindex)) != ifindex {
		return newMapError(d.m().Name(), opUpdate, errNoInterface)
	}
	return d.m().at(opUpdate, k).putPlace(uint32(ifindex), p.program(), flags)
}

// program returns nil only for a nil XDPProgram. A zero XDPProgram is a mistake.
func (p *XDPProgram) program() *Program {
	if p == nil {
		return nil
	}
	return programOf(p)
}

// Lookup returns the entry under k, or [ErrKeyNotExist].
func (d *DevMap) Lookup(k uint32) (DevMapEntry, error) {
	n, id, err := d.m().at(opLookup, k).place()
	return DevMapEntry{n, id}, err
}

// Delete removes k.
func (d *DevMap) Delete(k uint32) error { return d.m().at(opDelete, k).delete() }

// Iterate returns an iterator over all entries; see [Iterator].
func (d *DevMap) Iterate() *Iterator[uint32, DevMapEntry] {
	// A DevMapEntry is a struct bpf_devmap_val. Values of 4 bytes are its first half.
	return &Iterator[uint32, DevMapEntry]{walk{m: d.m(), keyByKey: true, valueSize: int(unsafe.Sizeof(DevMapEntry{}))}}
}

// CPUMap is a map of type cpumap (BPF_MAP_TYPE_CPUMAP): CPUs that bpf_redirect_map
// sends packets to. It is safe for concurrent use.
type CPUMap struct{ ref }

// NewCPUMap returns m as a CPUMap; see [NewHashMap].
func NewCPUMap(m *Map) *CPUMap {
	m.fitsIndex()
	m.fitsFD()
	return (*CPUMap)(unsafe.Pointer(m))
}

func (c *CPUMap) m() *Map { return (*Map)(unsafe.Pointer(c)) }

// CPUMapEntry is the length of a CPU's queue, in packets, and the ID of the program that runs on
// packets redirected there, or 0 for none.
type CPUMapEntry struct {
	QueueSize uint32
	ProgramID uint32
}

// Update gives a CPU a queue with a capacity of that many packets, at most 16384. p is a program of
// section xdp/cpumap that runs on packets redirected there, or nil. A program requires values of 8
// bytes, struct bpf_cpumap_val.
func (c *CPUMap) Update(cpu uint32, queue uint32, p *XDPProgram) error {
	return c.m().at(opUpdate, cpu).putPlace(queue, p.program(), Any)
}

// Lookup returns a CPU's entry, or [ErrKeyNotExist].
func (c *CPUMap) Lookup(cpu uint32) (CPUMapEntry, error) {
	n, id, err := c.m().at(opLookup, cpu).place()
	return CPUMapEntry{n, id}, err
}

// Delete removes a CPU.
func (c *CPUMap) Delete(cpu uint32) error { return c.m().at(opDelete, cpu).delete() }

// XSKMap is a map of type xskmap (BPF_MAP_TYPE_XSKMAP): AF_XDP sockets that bpf_redirect_map sends
// packets to. User space cannot look up its entries. It is safe for concurrent use.
type XSKMap struct{ ref }

// NewXSKMap returns m as an XSKMap; see [NewHashMap].
func NewXSKMap(m *Map) *XSKMap {
	m.fitsIndex()
	m.fitsFD()
	return (*XSKMap)(unsafe.Pointer(m))
}

func (x *XSKMap) m() *Map { return (*Map)(unsafe.Pointer(x)) }

// Update stores an AF_XDP socket at index i.
func (x *XSKMap) Update(i uint32, socketFD int, flags UpdateFlags) error {
	return x.m().at(opUpdate, i).putNumber(socketFD, flags)
}

// Delete clears index i.
func (x *XSKMap) Delete(i uint32) error { return x.m().at(opDelete, i).delete() }
