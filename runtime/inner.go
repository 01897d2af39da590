package runtime

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// createInner creates a map for outer to hold, like inner or whatever has replaced inner since.
func createInner(outer *Map, inner *spec.InnerSpec, opts *InnerOptions) (*Map, error) {
	const op = "create inner map"
	if a := outer.access(); a != nil && a.inner != nil {
		inner = a.inner
	}
	s, numaNode := inner.MapSpec, inner.NumaNode
	if opts != nil {
		if opts.MaxEntries != 0 {
			s.MaxEntries = opts.MaxEntries
		}
		if opts.Name != "" {
			s.Name = opts.Name
		}
		if opts.NumaNode != 0 {
			numaNode = opts.NumaNode
		}
	}
	m := newMap(&s)
	n, err := load.FitEntries(s.Sizing, s.MaxEntries)
	if err != nil {
		return nil, outer.wrap(op, err)
	}
	s.MaxEntries = n
	attr := mapAttr(&s)
	attr.NumaNode, attr.BtfKeyTypeId, attr.BtfValueTypeId = numaNode, inner.KeyTypeID, inner.ValueTypeID
	if inner.KeyTypeID|inner.ValueTypeID != 0 {
		btf := &outer.own().btf
		num, err := btf.acquire()
		if err != nil {
			return nil, outer.wrap(op, err)
		}
		defer btf.release()
		attr.BtfFd = uint32(num)
	}
	num, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(&attr), unsafe.Offsetof(attr.ValueTypeBtfObjFd))
	if errno != 0 {
		return nil, newMapError(outer.Name(), op, errno)
	}
	m.fd.set(num)
	return m, nil
}
