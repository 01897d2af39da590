package runtime

import (
	"iter"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// redirect is a map of places that XDP programs send packets to: a number, and, if the object
// defines values of 8 bytes, a program that runs there.
type redirect struct{ t fdTable[uint32] }

func (r redirect) update(i, n uint32, p *Program, flags UpdateFlags) error {
	v := [2]uint32{n, 0}
	if p == nil {
		return r.t.Update(i, v, flags)
	}
	if r.t.m.spec().ValueSize != 8 {
		return &MapError{r.t.Name(), opUpdate, errNoRoomForProgram}
	}
	num, err := p.fd.acquire()
	if err != nil {
		return p.fail("put into map "+r.t.Name(), err)
	}
	defer p.fd.release()
	v[1] = uint32(num)
	return r.t.Update(i, v, flags)
}

func (r redirect) lookup(i uint32) (n, programID uint32, err error) {
	v, err := r.t.Lookup(i)
	if err != nil {
		return 0, 0, err
	}
	return v[0], v[1], nil
}

var errNoRoomForProgram error = &sentinelError{"values of 4 bytes have no room for a program", unix.EINVAL}

// DevMap is a map of type devmap (BPF_MAP_TYPE_DEVMAP, DEVMAP_HASH): network
// interfaces that bpf_redirect_map sends packets to. It is safe for concurrent use.
type DevMap struct {
	*Map
	r redirect
}

// NewDevMap gives m its kind.
func NewDevMap(m *Map) DevMap { return DevMap{m, redirect{newFDTable[uint32](m)}} }

// DevMapEntry is a network interface, and the ID of the program that runs on
// what is sent there, 0 for none.
type DevMapEntry struct {
	Ifindex   uint32
	ProgramID uint32
}

// Update puts an interface under k, with a program of section xdp/devmap that runs on what is sent
// there, or nil; a program needs values of 8 bytes, struct bpf_devmap_val.
func (d DevMap) Update(k uint32, ifindex int, p *XDPProgram, flags UpdateFlags) error {
	return d.r.update(k, uint32(ifindex), p.program(), flags)
}

// program is nil for a nil XDPProgram.
func (p *XDPProgram) program() *Program {
	if p == nil {
		return nil
	}
	return p.Program
}

// Lookup returns what is under k, or [ErrKeyNotExist].
func (d DevMap) Lookup(k uint32) (DevMapEntry, error) {
	n, id, err := d.r.lookup(k)
	return DevMapEntry{n, id}, err
}

// Delete removes k.
func (d DevMap) Delete(k uint32) error { return d.r.t.delete(k) }

// All iterates over the entries that there are.
func (d DevMap) All() iter.Seq2[uint32, DevMapEntry] {
	return func(yield func(uint32, DevMapEntry) bool) {
		for k := range d.keys() {
			if e, err := d.Lookup(k); err == nil && !yield(k, e) {
				return
			}
		}
	}
}

// keys iterates over the keys of a devmap or an array like it, whose values may be shorter than a table's.
func (d DevMap) keys() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if d.hasIndexKeys() {
			for k := range d.MaxEntries() {
				if !yield(k) {
					return
				}
			}
			return
		}
		_ = walkKeys(d.Map, yield)
	}
}

// CPUMap is a map of type cpumap (BPF_MAP_TYPE_CPUMAP): CPUs that bpf_redirect_map
// sends packets to. It is safe for concurrent use.
type CPUMap struct {
	*Map
	r redirect
}

// NewCPUMap gives m its kind.
func NewCPUMap(m *Map) CPUMap { return CPUMap{m, redirect{newFDTable[uint32](m)}} }

// CPUMapEntry is the length of a CPU's queue, in packets, and the ID of the
// program that runs on what is sent there, 0 for none.
type CPUMapEntry struct {
	QueueSize uint32
	ProgramID uint32
}

// Update gives a CPU a queue of that many packets, at most 16384, with a program of section xdp/cpumap
// that runs on what is sent there, or nil; a program needs values of 8 bytes, struct bpf_cpumap_val.
func (c CPUMap) Update(cpu uint32, queue uint32, p *XDPProgram) error {
	return c.r.update(cpu, queue, p.program(), Any)
}

// Lookup returns what a CPU has, or [ErrKeyNotExist].
func (c CPUMap) Lookup(cpu uint32) (CPUMapEntry, error) {
	n, id, err := c.r.lookup(cpu)
	return CPUMapEntry{n, id}, err
}

// Delete takes a CPU out.
func (c CPUMap) Delete(cpu uint32) error { return c.r.t.delete(cpu) }

// XSKMap is a map of type xskmap (BPF_MAP_TYPE_XSKMAP): AF_XDP sockets that bpf_redirect_map
// sends packets to. User space cannot look anything up in it. It is safe for concurrent use.
type XSKMap struct {
	*Map
	t fdTable[uint32]
}

// NewXSKMap gives m its kind.
func NewXSKMap(m *Map) XSKMap { return XSKMap{m, newFDTable[uint32](m)} }

// Update puts an AF_XDP socket at index i.
func (x XSKMap) Update(i uint32, socketFD int, flags UpdateFlags) error {
	return x.t.Update(i, x.t.number(socketFD), flags)
}

// Delete empties index i.
func (x XSKMap) Delete(i uint32) error { return x.t.delete(i) }
