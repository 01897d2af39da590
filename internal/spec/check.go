package spec

import (
	"encoding/binary"
	"iter"
	"strconv"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A DamagedError reports a Spec that package loader did not generate, most likely because the blob
// does not belong to the Go file. Its text is the damaged part and the condition that does not
// hold: "map 3: its attr is not in the blob".
type DamagedError string

func (e DamagedError) Error() string {
	return "generated Go file and blob do not match (" + string(e) + "): generate the package again"
}

// Minimum sizes of the attrs that the runtime writes to.
const (
	leastMapAttr     = uint32(unsafe.Offsetof(sys.MapCreateAttr{}.MapIfindex))
	leastProgramAttr = uint32(unsafe.Offsetof(sys.ProgLoadAttr{}.ExpectedAttachType)) + 4
	leastBTFAttr     = uint32(unsafe.Offsetof(sys.BtfLoadAttr{}.BtfLogLevel)) + 4
	// coreProgramAttr includes the number of the program's CO-RE records.
	coreProgramAttr = uint32(unsafe.Offsetof(sys.ProgLoadAttr{}.CoreReloCnt)) + 4
)

// checker collects the first condition that does not hold.
type checker struct {
	*Spec
	part  string // "map", "step", ...; index has its index
	index int

	failed    string // the damaged part; "" if none
	failedAt  int
	condition string
}

// need is not inlined, since each user's binary has all of the many conditions.
//
//go:noinline
func (c *checker) need(ok bool, condition string) {
	if !ok && c.failed == "" {
		c.failed, c.failedAt, c.condition = c.part, c.index, condition
	}
}

func (c *checker) err() error {
	if c.failed == "" {
		return nil
	}
	part := c.failed
	if c.failedAt >= 0 {
		part += " " + strconv.Itoa(c.failedAt)
	}
	return DamagedError(part + ": " + c.condition)
}

// Conditions of several parts.
const (
	attrInBlob   = "its attr is not in the blob"
	dataInBlob   = "its data is not in the blob"
	slotInBlob   = "its slot is not among the slots"
	indexInRange = "an index is out of range"
)

// Check returns a [DamagedError] unless all offsets and indices are in range. It takes a few
// nanoseconds per step, and does not allocate. [Spec.CheckParts] checks the fields of objects with
// Phases.
func (s *Spec) Check() error {
	c := checker{Spec: s, part: "the loader", index: -1}
	c.need(len(s.Loader) > 0 && len(s.Loader)%8 == 0, "it is not a sequence of instructions")
	c.part = "the blob"
	c.need(uint64(len(s.Blob)) < 1<<31, "it is too large")
	c.need(s.Slots > 0 && s.Slots <= len(s.Blob)/4, "it has no room for the slots")
	if c.failed == "" && s.Sums != (Sums{}) {
		c.sums()
	}
	if c.failed != "" {
		return c.err()
	}
	c.need(s.slot(s.NoAddresses), "NoAddresses is not among the slots")
	if s.BTF.Attr != 0 {
		c.part = "BTF"
		c.need(s.slot(s.BTF.Slot), slotInBlob)
		c.need(s.within(s.BTF.Attr, leastBTFAttr), attrInBlob)
		c.need(s.within(s.BTF.Data, s.BTF.Size), dataInBlob)
	}
	c.part = "map"
	for i := range s.Maps {
		c.index = i
		m := &s.Maps[i]
		c.need(s.slot(m.Slot), slotInBlob)
		c.need(m.AttrSize >= leastMapAttr && s.within(m.Attr, m.AttrSize), attrInBlob)
		c.need(m.Data == 0 || s.within(m.Data, m.MappedSize()), dataInBlob)
	}
	c.part = "program"
	for i := range s.Programs {
		c.index = i
		p := &s.Programs[i]
		c.need(s.slot(p.Slot), slotInBlob)
		c.need(s.within(p.Attr, leastProgramAttr), attrInBlob)
		c.need(p.Target >= -1 && int(p.Target) < len(s.Targets), indexInRange)
	}
	c.part = "attach target"
	for i := range s.Targets {
		c.index = i
		c.need(s.pair(s.Targets[i].Slot), slotInBlob)
	}
	c.part = "extern"
	for i := range s.Externs {
		c.index = i
		e := &s.Externs[i]
		c.need(s.pair(e.Slot) && (e.Kind != KsymAddr || s.pair(e.Slot+2)), slotInBlob)
		for _, p := range e.Programs {
			c.need(p >= 0 && int(p) < len(s.Programs), indexInRange)
		}
	}
	c.part = "step"
	for i := range s.Steps {
		c.index = i
		c.step(&s.Steps[i])
	}
	return c.err()
}

func (c *checker) step(step *Step) {
	count, attr := 1, uint32(0)
	switch step.Kind {
	case StepLoadBTF:
		attr = leastBTFAttr
	case StepCreateMap, StepCreateInner:
		count, attr = len(c.Maps), leastMapAttr
	case StepFillMap, StepFreezeMap, StepSetSlot:
		count = len(c.Maps)
	case StepFindTarget:
		count = len(c.Targets)
	case StepFindExtern:
		count = len(c.Externs)
	case StepLoadProgram:
		count, attr = len(c.Programs), leastProgramAttr
	default:
		c.need(false, "it is of an unknown kind")
		return
	}
	if step.Kind.Finds() {
		c.need(c.pair(step.Result), slotInBlob)
	} else {
		c.need(c.slot(step.Result), slotInBlob)
	}
	c.need(step.Index >= 0 && int(step.Index) < count, indexInRange)
	c.need(attr == 0 || c.within(step.Attr, attr), attrInBlob)
	c.need(step.Start >= 0 && step.Start <= step.End && int(step.End) <= len(c.Loader)/8, "its instructions are not in the loader")
}

// CheckParts checks Phases, CORE and the sites in the blob.
func (s *Spec) CheckParts() error {
	c := checker{Spec: s, part: "phases", index: -1}
	c.need(len(s.Phases) > 0, "there are none")
	c.part = "phase"
	for i, parts := range s.Phases {
		c.index = i
		c.need(parts > 0 && int(parts) <= len(s.Loader)/8, "it has more parts than instructions, or none")
	}
	if c.failed == "" && s.CORE.ValueCount > 0 {
		c.core()
	}
	return c.err()
}

func (c *checker) core() {
	core := &c.CORE
	c.part, c.index = "CO-RE", -1
	c.need(c.Phases[0] == 1 && c.BTF.Attr != 0 && c.BTF.Outside, "the loader cannot resolve it")
	c.need(c.array(core.Values, core.ValueCount, 8), "its values are not in the blob")
	c.need(c.array(core.Sites, core.SiteCount, unsafe.Sizeof(CORESite{})), "its sites are not in the blob")
	c.need(c.array(core.Records, core.RecordCount, unsafe.Sizeof(sys.CoreRelo{})), "its records are not in the blob")
	if c.failed != "" {
		return
	}
	for site := range c.Sites() {
		c.need(c.within(site.Insn, 8) && site.Value < core.ValueCount, "a site is not in the blob")
	}
	c.part = "program"
	for i := range c.Programs {
		c.index = i
		p := &c.Programs[i]
		c.need(p.CORERelos == 0 || c.within(p.Attr, coreProgramAttr), attrInBlob)
	}
}

// Sites returns the sites of CORE. CheckParts has checked them, and nothing writes to the Spec's
// blob.
func (s *Spec) Sites() iter.Seq[CORESite] {
	return func(yield func(CORESite) bool) {
		for at := s.CORE.Sites; at < s.CORE.Sites+BlobOff(8*s.CORE.SiteCount); at += 8 {
			if !yield(CORESite{BlobOff(s.Word(at)), s.Word(at + 4)}) {
				return
			}
		}
	}
}

func (s *Spec) slot(n Slot) bool { return uint64(n) < uint64(s.Slots) }

// pair reports whether n is the first of two slots that form an aligned 64-bit value.
func (s *Spec) pair(n Slot) bool { return n%2 == 0 && uint64(n)+1 < uint64(s.Slots) }

// within reports whether an aligned record is in the blob.
func (s *Spec) within(at BlobOff, size uint32) bool {
	return at%8 == 0 && uint64(at)+uint64(size) <= uint64(len(s.Blob))
}

// array reports whether an array is in the blob.
func (s *Spec) array(at BlobOff, count uint32, size uintptr) bool {
	return at%8 == 0 && uint64(at)+uint64(count)*uint64(size) <= uint64(len(s.Blob))
}

// Word returns the 32-bit word at an offset in the blob.
func (s *Spec) Word(at BlobOff) uint32 { return binary.NativeEndian.Uint32([]byte(s.Blob[at:][:4])) }
