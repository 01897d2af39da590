package loader

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/plural"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// makeMap creates a map, and fills and freezes it if it holds global data. Programs come later, so
// that the verifier sees the final contents of a frozen map.
func (g *generator) makeMap(i int, m *object.Map) {
	if m.Inner != nil {
		g.createInner(i, m)
	}
	g.createMap(i, m)
	if isFilled(m) {
		g.fillMap(i, m)
	}
	if isReadOnly(m) {
		g.freezeMap(i, m)
	}
}

// isFilled reports whether the loader sets the initial value of a map. The runtime sets that of an
// arena, which it maps.
func isFilled(m *object.Map) bool { return m.Kind != object.NoData && m.Data != nil }

func isReadOnly(m *object.Map) bool {
	return m.Kind == object.ROData || m.Kind == object.Kconfig
}

func (g *generator) slotOf(m *object.Map) spec.Slot {
	for i, other := range g.obj.Maps {
		if m == other {
			return g.spec.Maps[i].Slot
		}
	}
	panic("loader: a slot of " + m.Name + " refers to a map of another object")
}

func (g *generator) programSlot(p *object.Program) spec.Slot {
	for i, other := range g.obj.Programs {
		if p == other {
			return g.spec.Programs[i].Slot
		}
	}
	panic("loader: a slot refers to program " + p.Name + " of another object")
}

// mapAttr returns the attr for BPF_MAP_CREATE, and the number of its bytes to pass to the kernel.
func mapAttr(m *object.Map) (sys.MapCreateAttr, uintptr) {
	attr := sys.MapCreateAttr{
		MapType:        m.Type,
		KeySize:        m.KeySize,
		ValueSize:      m.ValueSize,
		MaxEntries:     m.MaxEntries,
		MapFlags:       m.Flags,
		NumaNode:       m.NumaNode,
		BtfKeyTypeId:   uint32(m.KeyTypeID),
		BtfValueTypeId: uint32(m.ValueTypeID),
		MapExtra:       m.Extra,
	}
	copy(attr.MapName[:len(attr.MapName)-1], m.KernelName)
	switch {
	case m.StructOps != nil:
		return attr, unsafe.Offsetof(attr.ValueTypeBtfObjFd) + 4 // set by the runtime, which knows the kernel's type
	case attr.MapExtra != 0:
		return attr, unsafe.Offsetof(attr.MapExtra) + 8
	case hasBTF(m):
		return attr, unsafe.Offsetof(attr.BtfValueTypeId) + 4
	default:
		return attr, unsafe.Offsetof(attr.MapName) + 16
	}
}

func hasBTF(m *object.Map) bool {
	return m.KeyTypeID != 0 || m.ValueTypeID != 0 || m.StructOps != nil
}

// createMap emits the creation of a map.
//
//	attr->btf_fd = r8
//	attr->inner_map_fd = slots[template]
//	slots[map] = bpf_sys_bpf(BPF_MAP_CREATE, attr, size)
func (g *generator) createMap(i int, m *object.Map) {
	planned := &g.spec.Maps[i]
	*planned = spec.MapSpec{
		Name: m.Name, Slot: planned.Slot, Attr: g.here(),
		Type: m.Type, KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: g.maxEntries(m),
		Flags: m.Flags, Extra: m.Extra,
		Sizing: g.sizing(m), PinByName: m.Pinning == object.PinByName, Pinning: uint32(m.Pinning), Outside: isOutside(m),
		Kind: spec.DataKind(m.Kind),
	}
	if m.Managed {
		planned.Kind = spec.NoData // it cannot be mapped
	}
	_, size := mapAttr(m)
	planned.AttrSize = uint32(size)
	step := spec.Step{Kind: spec.StepCreateMap, Index: int32(i), Result: planned.Slot, Attr: planned.Attr}

	g.say("create map %s", m.Name)
	g.create(step, m, planned.MaxEntries, func(inner uintptr) {
		if template, ok := g.innerSlots[m]; ok {
			g.load(opLdx32, r1, slots, off(template))
			g.store(opStx32, cursor, int(inner), r1)
		}
	})
	if m.Kind == object.NoData && m.Data != nil {
		planned.Data, planned.DataSize = g.bytes(m.Data), uint32(len(m.Data))
	}
	if m.StructOps != nil {
		g.describeStructOps(i, m)
	}
}

// createInner emits the creation of the template for the inner maps of an outer map. The kernel
// copies what it needs, and the runtime closes the template.
//
//	slots[template] = bpf_sys_bpf(BPF_MAP_CREATE, attr, size)
func (g *generator) createInner(i int, m *object.Map) {
	step := spec.Step{Kind: spec.StepCreateInner, Index: int32(i), Result: g.innerSlots[m], Attr: g.here()}
	g.say("create the template for inner maps of %s", m.Name)
	g.create(step, m.Inner, g.maxEntries(m.Inner), nil)
}

// create emits a BPF_MAP_CREATE. setInner, if not nil, sets the inner map's field, whose offset it
// gets.
func (g *generator) create(step spec.Step, m *object.Map, maxEntries uint32, setInner func(field uintptr)) {
	attr, size := mapAttr(m)
	attr.MaxEntries = maxEntries
	g.attr(attr, size)
	g.seek(step.Attr)
	g.step(step, func() {
		if hasBTF(m) {
			g.store(opStx32, cursor, int(unsafe.Offsetof(attr.BtfFd)), btfFD)
		}
		if setInner != nil {
			setInner(unsafe.Offsetof(attr.InnerMapFd))
		}
		g.syscall(sys.CmdMapCreate, size, step.Result)
	})
}

// sizing returns how the runtime adjusts the size of the map to the machine.
func sizing(m *object.Map) spec.Sizing {
	switch {
	case m.SizedByCPUs():
		return spec.SizeCPUs
	case m.SizedByPages():
		return spec.SizePages
	}
	return spec.SizeFixed
}

// isOutside reports whether a map must not be created by the loader program. The loader runs under
// rcu_read_lock_trace, and if the creation of a local storage map fails after its allocation, the
// kernel waits for that very lock (bpf_local_storage_map_free). For a struct_ops map it may wait as
// well, depending on the kernel (bpf_struct_ops_map_free).
func isOutside(m *object.Map) bool {
	switch m.Type {
	case sys.MapTypeSKStorage, sys.MapTypeInodeStorage,
		sys.MapTypeTaskStorage, sys.MapTypeCgrpStorage, sys.MapTypeArena, sys.MapTypeStructOps:
		return true
	}
	return false
}

// elem is the attr of BPF_MAP_UPDATE_ELEM.
var elem sys.MapElemAttr

// fillMap emits the write of the initial value of global data. The attr's flags, which are zero,
// serve as the key.
//
//	attr->map_fd = slots[map]
//	attr->key = &attr->flags
//	attr->value = data
//	slots[result] = bpf_sys_bpf(BPF_MAP_UPDATE_ELEM, attr, size)
func (g *generator) fillMap(i int, m *object.Map) {
	attr := g.record(elem)
	data := g.bytes(m.Data)
	g.spec.Maps[i].Data = data

	g.say("fill map %s, %s", m.Name, plural.Of(len(m.Data), "byte", "bytes"))
	g.update(spec.StepFillMap, i, 0, attr, func() {
		g.pointTo(
			pointer{unsafe.Offsetof(elem.Key), attr + spec.BlobOff(unsafe.Offsetof(elem.Flags))},
			pointer{unsafe.Offsetof(elem.Value), data})
	})
}

// setSlot emits the write of an initial entry of a map of maps or a program array.
//
//	attr->map_fd = slots[map]
//	attr->key = &key
//	attr->value = &slots[entry]
//	slots[result] = bpf_sys_bpf(BPF_MAP_UPDATE_ELEM, attr, size)
func (g *generator) setSlot(i int, m *object.Map, index uint32, entry spec.Slot) {
	attr := g.record(elem)
	key := g.record(index)

	g.say("%s[%d] = slots[%d]", m.Name, index, entry)
	g.update(spec.StepSetSlot, i, index, attr, func() {
		g.pointTo(pointer{unsafe.Offsetof(elem.Key), key})
		g.mov(r1, slots)
		g.add(r1, int32(off(entry)))
		g.store(opStx64, cursor, int(unsafe.Offsetof(elem.Value)), r1)
	})
}

// update emits a BPF_MAP_UPDATE_ELEM whose key and value setPointers sets.
func (g *generator) update(kind spec.StepKind, i int, entry uint32, attr spec.BlobOff, setPointers func()) {
	result := g.nextResult()
	g.seek(attr)
	g.step(spec.Step{Kind: kind, Index: int32(i), Entry: entry, Result: result, Attr: attr}, func() {
		g.load(opLdx32, r1, slots, off(g.spec.Maps[i].Slot))
		g.store(opStx32, cursor, int(unsafe.Offsetof(elem.MapFd)), r1)
		setPointers()
		g.syscall(sys.CmdMapUpdateElem, unsafe.Sizeof(elem), result)
	})
}

// freezeMap emits the freeze of a map, which makes it read-only for user space. The attr is the fd,
// that is, the slot itself.
//
//	slots[result] = bpf_sys_bpf(BPF_MAP_FREEZE, &slots[map], 4)
func (g *generator) freezeMap(i int, m *object.Map) {
	result := g.nextResult()
	slot := g.spec.Maps[i].Slot
	g.say("freeze map %s", m.Name)
	g.step(spec.Step{Kind: spec.StepFreezeMap, Index: int32(i), Result: result, Attr: spec.BlobOff(off(slot))}, func() {
		g.movImm(r1, int32(sys.CmdMapFreeze))
		g.mov(r2, slots)
		g.add(r2, int32(off(slot)))
		g.movImm(r3, 4)
		g.call(sysBPF)
		g.store(opStx32, slots, off(result), r0)
	})
}
