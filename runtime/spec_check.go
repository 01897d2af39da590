package runtime

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// errDamagedSpec means that a Spec is not what package loader made: a blob that is not the one that
// belongs to the Go file, most likely.
var errDamagedSpec = errors.New("the object's description and its blob do not belong together: generate the package again")

// The least of an attr that the runtime writes to.
const (
	leastMapAttr     = uint32(unsafe.Offsetof(sys.MapCreateAttr{}.MapIfindex))
	leastProgramAttr = uint32(unsafe.Offsetof(sys.ProgLoadAttr{}.ExpectedAttachType)) + 4
	leastBTFAttr     = uint32(unsafe.Offsetof(sys.BtfLoadAttr{}.BtfLogLevel)) + 4
)

// check makes sure that all offsets and indices are within what they are for.
// It costs a few nanoseconds a step, and allocates nothing.
func (s *Spec) check() error {
	if len(s.Loader) == 0 || len(s.Loader)%8 != 0 || uint64(len(s.Blob)) >= 1<<31 || s.Slots <= 0 || s.Slots > len(s.Blob)/4 {
		return errDamagedSpec
	}
	ok := s.slot(s.NoAddresses) && (s.BTF.Attr == 0 ||
		s.slot(s.BTF.Slot) && s.within(s.BTF.Attr, leastBTFAttr) && s.within(s.BTF.Data, s.BTF.Size))
	ok = ok && (s.Outside != nil || !s.BTF.Outside)
	for i := range s.Maps {
		m := &s.Maps[i]
		ok = ok && (s.Outside != nil || !m.Outside) && s.slot(m.Slot) && m.AttrSize >= leastMapAttr && s.within(m.Attr, m.AttrSize) &&
			(m.Data == 0 || s.within(m.Data, m.dataSize()))
	}
	for i := range s.Programs {
		p := &s.Programs[i]
		ok = ok && s.slot(p.Slot) && s.within(p.Attr, leastProgramAttr) && p.Target >= -1 && int(p.Target) < len(s.Targets)
	}
	for i := range s.Targets {
		ok = ok && s.pair(s.Targets[i].Slot)
	}
	for i := range s.Externs {
		e := &s.Externs[i]
		ok = ok && s.pair(e.Slot) && (e.Kind != KsymAddr || s.pair(e.Slot+2))
		for _, p := range e.Programs {
			ok = ok && p >= 0 && int(p) < len(s.Programs)
		}
	}
	for i := range s.Steps {
		ok = ok && s.step(&s.Steps[i])
	}
	ok = ok && (s.Parts == nil || s.Parts.check(s))
	if !ok {
		return errDamagedSpec
	}
	return nil
}

func (s *Spec) step(step *Step) bool {
	count, attr := 1, uint32(0)
	switch step.Kind {
	case StepLoadBTF:
		attr = leastBTFAttr
	case StepCreateMap, StepCreateInner:
		count, attr = len(s.Maps), leastMapAttr
	case StepFillMap, StepFreezeMap, StepSetSlot:
		count = len(s.Maps)
	case StepFindTarget:
		count = len(s.Targets)
	case StepFindExtern:
		count = len(s.Externs)
	case StepLoadProgram:
		count, attr = len(s.Programs), leastProgramAttr
	default:
		return false
	}
	found := s.slot(step.Result)
	if step.Kind.finds() {
		found = s.pair(step.Result)
	}
	return found && step.Index >= 0 && int(step.Index) < count && (attr == 0 || s.within(step.Attr, attr)) &&
		step.Start >= 0 && step.Start <= step.End && int(step.End) <= len(s.Loader)/8
}

func (s *Spec) slot(n Slot) bool { return uint64(n) < uint64(s.Slots) }

// pair is for 64 bits, aligned.
func (s *Spec) pair(n Slot) bool { return n%2 == 0 && uint64(n)+1 < uint64(s.Slots) }

// within tells whether an aligned record is in the blob.
func (s *Spec) within(at BlobOff, size uint32) bool {
	return at%8 == 0 && uint64(at)+uint64(size) <= uint64(len(s.Blob))
}

// word reads 32 bits of the blob.
func (s *Spec) word(at BlobOff) uint32 { return binary.NativeEndian.Uint32([]byte(s.Blob[at:][:4])) }
