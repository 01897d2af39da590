package load

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// This file changes the description of a map in a copy of the Spec. A load is unaware of the
// change, so loads without changed maps pay nothing, and explanations of failures describe the
// changed map.

// MapFields are the fields of a map that can be changed.
type MapFields struct {
	Type, KeySize, ValueSize, MaxEntries, Flags uint32
}

// fieldsOf holds the offsets of MapFields' fields in an attr.
var fieldsOf = [...]uintptr{
	unsafe.Offsetof(sys.MapCreateAttr{}.MapType),
	unsafe.Offsetof(sys.MapCreateAttr{}.KeySize),
	unsafe.Offsetof(sys.MapCreateAttr{}.ValueSize),
	unsafe.Offsetof(sys.MapCreateAttr{}.MaxEntries),
	unsafe.Offsetof(sys.MapCreateAttr{}.MapFlags),
}

// Changer changes a copy of a Spec.
type Changer struct {
	spec         *spec.Spec
	blob, loader []byte // copies of Spec.Blob and Spec.Loader; loader is nil while unchanged
}

// Change returns a Changer for a copy of a Spec.
func Change(s *spec.Spec) *Changer {
	changed := *s
	changed.Maps = slices.Clone(s.Maps)
	changed.Sums = spec.Sums{} // the files have been checked
	return &Changer{spec: &changed, blob: []byte(s.Blob)}
}

// Spec returns the changed copy. The Changer must not be used afterwards.
func (c *Changer) Spec() *spec.Spec {
	c.spec.Blob = string(c.blob)
	if c.loader != nil {
		c.spec.Loader = string(c.loader)
	}
	return c.spec
}

func (c *Changer) word(at spec.BlobOff) uint32 { return binary.NativeEndian.Uint32(c.blob[at:]) }
func (c *Changer) setWord(at spec.BlobOff, n uint32) {
	binary.NativeEndian.PutUint32(c.blob[at:], n)
}

// SetMap changes the fields of a map, except max_entries, which is in Request.Entries.
func (c *Changer) SetMap(i int, to MapFields) {
	m := &c.spec.Maps[i]
	to.MaxEntries = m.MaxEntries
	c.setAttr(m.Attr, m.AttrSize, to)
	if to.Type != m.Type {
		m.Sizing = SizingOf(to.Type)
	}
	m.Type, m.KeySize, m.ValueSize, m.Flags = to.Type, to.KeySize, to.ValueSize, to.Flags
}

// SetConstant sets the constant of an ld_imm64, the low half in its first instruction and the high
// half in its second.
func (c *Changer) SetConstant(at spec.BlobOff, n uint64) {
	const imm = unsafe.Offsetof(sys.Insn{}.Imm)
	c.setWord(at+spec.BlobOff(imm), uint32(n))
	c.setWord(at+spec.BlobOff(unsafe.Sizeof(sys.Insn{})+imm), uint32(n>>32))
}

// Template returns the fields of a map's inner maps. ok is false if the object does not define
// them.
func Template(s *spec.Spec, i int) (fields MapFields, ok bool) {
	step := templateStep(s, i)
	if step == nil {
		return MapFields{}, false
	}
	var n [len(fieldsOf)]uint32
	for j, field := range fieldsOf {
		n[j] = s.Word(step.Attr + spec.BlobOff(field))
	}
	return MapFields{n[0], n[1], n[2], n[3], n[4]}, true
}

func templateStep(s *spec.Spec, i int) *spec.Step {
	for j := range s.Steps {
		if step := &s.Steps[j]; step.Kind == spec.StepCreateInner && int(step.Index) == i {
			return step
		}
	}
	return nil
}

// SetTemplate changes the fields of a map's inner maps, which the object must define. It returns
// the other data that NewInner needs: the remaining key and value types in the object's BTF, and
// the NUMA node.
func (c *Changer) SetTemplate(i int, to MapFields) (keyType, valueType, numaNode uint32) {
	step := templateStep(c.spec, i)
	keyType, valueType = c.setAttr(step.Attr, attrSizeOf(c.spec, step), to)
	return keyType, valueType, c.word(step.Attr + spec.BlobOff(unsafe.Offsetof(sys.MapCreateAttr{}.NumaNode)))
}

// SetTemplateFD sets the template of a map's inner maps, which the object does not define, to the
// map with this file descriptor.
func (c *Changer) SetTemplateFD(i, fd int) {
	c.setWord(c.spec.Maps[i].Attr+spec.BlobOff(unsafe.Offsetof(sys.MapCreateAttr{}.InnerMapFd)), uint32(fd))
}

// setAttr writes to an attr. It removes types that no longer match the keys and values, for which
// the kernel refuses the map (map_check_btf), and returns the others.
func (c *Changer) setAttr(at spec.BlobOff, size uint32, to MapFields) (keyType, valueType uint32) {
	var old [len(fieldsOf)]uint32
	for i, n := range [...]uint32{to.Type, to.KeySize, to.ValueSize, to.MaxEntries, to.Flags} {
		field := at + spec.BlobOff(fieldsOf[i])
		old[i] = c.word(field)
		c.setWord(field, n)
	}
	const key, value = unsafe.Offsetof(sys.MapCreateAttr{}.BtfKeyTypeId), unsafe.Offsetof(sys.MapCreateAttr{}.BtfValueTypeId)
	if uintptr(size) < value+4 {
		return 0, 0
	}
	if !SameKind(old[0], to.Type) || old[1] != to.KeySize || old[2] != to.ValueSize {
		c.setWord(at+spec.BlobOff(key), 0)
		c.setWord(at+spec.BlobOff(value), 0)
	}
	return c.word(at + spec.BlobOff(key)), c.word(at + spec.BlobOff(value))
}

// SameKind reports whether maps of the two types can share a Go type.
func SameKind(a, b uint32) bool { return kindOf(a) == kindOf(b) }

func kindOf(mapType uint32) uint32 {
	switch mapType {
	case sys.MapTypeLRUHash:
		return sys.MapTypeHash
	case sys.MapTypeLRUPerCPUHash:
		return sys.MapTypePerCPUHash
	}
	return mapType
}

// LeaveOut excludes a map: its steps, and the initial entries of other maps that hold it. As in
// libbpf (poison_map_ldimm64), it replaces references in programs with calls of a nonexistent
// helper, BadMap plus the map's index, which the verifier rejects if they are reachable.
func (c *Changer) LeaveOut(i int) {
	s := c.spec
	m := &s.Maps[i]
	c.loader = []byte(s.Loader)
	steps := make([]spec.Step, 0, len(s.Steps))
	for j := range s.Steps {
		step := &s.Steps[j]
		about := false
		switch step.Kind {
		case spec.StepCreateMap, spec.StepCreateInner, spec.StepFillMap, spec.StepFreezeMap:
			about = int(step.Index) == i
		case spec.StepSetSlot:
			about = int(step.Index) == i || holds(s, step, m.Slot)
		case spec.StepLoadProgram:
			c.poison(step, m.Slot, spec.BadMap+int32(i))
		}
		if !about {
			steps = append(steps, *step)
			continue
		}
		for insn := step.Start; insn < step.End; insn++ {
			put(c.loader[8*insn:], sys.Insn{Code: sys.OpJa})
		}
	}
	s.Steps = steps
	left := int32(-1)
	c.setWord(spec.BlobOff(4*m.Slot), uint32(left))
}

// LeftOut reports whether a map was left out.
func LeftOut(s *spec.Spec, i int) bool { return int32(s.Word(spec.BlobOff(4*s.Maps[i].Slot))) < 0 }

// holds reports whether a step that sets an entry sets it to the fd in slot, that is, whether the
// step has r1 = slots; r1 += 4 * slot.
func holds(s *spec.Spec, step *spec.Step, slot spec.Slot) bool {
	for i := step.Start; i < step.End-1; i++ {
		insn, next := insnAt(s.Loader, int(i)), insnAt(s.Loader, int(i)+1)
		if insn.Code == sys.OpMovReg && insn.Regs == regs(1, 6) &&
			next.Code == sys.OpAddImm && next.Regs == regs(1, 0) && next.Imm == int32(4*slot) {
			return true
		}
		if insn.Code == sys.OpMovReg && insn.Regs == regs(1, 6) && slot == 0 && next.Code == sys.OpStx64 {
			return true
		}
	}
	return false
}

// poison replaces a program's ld_imm64 of a map with calls of a helper.
func (c *Changer) poison(step *spec.Step, slot spec.Slot, helper int32) {
	p := &c.spec.Programs[step.Index]
	at := int(p.Attr) + int(attrSizeOf(c.spec, step)+7)&^7 // the instructions come after the attr
	insns := c.blob[at:][:8*p.Insns]
	for i := 0; i+16 <= len(insns); i += 8 {
		insn := insnAt(unsafe.String(unsafe.SliceData(insns), len(insns)), i/8)
		if insn.Code != sys.OpLdImm64 {
			continue
		}
		if src := insn.Regs &^ regs(0xf, 0); src == regs(0, sys.PseudoMapIdx) && insn.Imm == int32(slot) {
			call := sys.Insn{Code: sys.OpCall, Imm: helper}
			put(insns[i:], call)
			put(insns[i+8:], call)
		}
		i += 8 // skip its second half
	}
}

// attrSizeOf returns the size of a step's attr.
func attrSizeOf(s *spec.Spec, step *spec.Step) uint32 {
	for i := int(step.End) - 1; i >= int(step.Start); i-- {
		if insn := insnAt(s.Loader, i); insn.Code == sys.OpMovImm && insn.Regs == regs(3, 0) {
			return uint32(insn.Imm)
		}
	}
	return 0
}
