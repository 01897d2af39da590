package runtime

import (
	"iter"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// sharesCORE tells whether the loader resolves CO-RE relocations for the programs.
func (l *loading) sharesCORE() bool { return l.quick && l.spec.CORE.ValueCount > 0 }

// leaveToLoader takes from the programs the CO-RE records that the loader has for them.
func (l *loading) leaveToLoader() {
	for i := range l.programs {
		if p := l.programs[i].spec; p.CORERelos != 0 {
			(*sys.ProgLoadAttr)(l.at(p.Attr)).CoreReloCnt = p.OwnRelos
		}
	}
}

// noLine is line info of a program without any: what has none has no CO-RE records (check_btf_info).
var noLine sys.LineInfo

// loaderCORE gives the loader its own CO-RE records, and returns the size of its attr.
func (l *loading) loaderCORE(attr *sys.ProgLoadAttr) uintptr {
	attr.ProgBtfFd = uint32(*l.slot(l.spec.BTF.Slot))
	attr.LineInfo = uint64(uintptr(unsafe.Pointer(&noLine)))
	attr.LineInfoCnt, attr.LineInfoRecSize = 1, uint32(unsafe.Sizeof(noLine))
	attr.CoreRelos = uint64(uintptr(l.at(l.spec.CORE.Records)))
	attr.CoreReloCnt, attr.CoreReloRecSize = l.spec.CORE.RecordCount, uint32(unsafe.Sizeof(sys.CoreRelo{}))
	return unsafe.Offsetof(attr.CoreReloRecSize) + 4
}

// applyCORE copies what the loader has resolved to the programs. Sites are read where they were checked: nothing writes to the Spec's blob.
func (l *loading) applyCORE() {
	c := &l.spec.CORE
	values := unsafe.Slice((*uint64)(l.at(c.Values)), c.ValueCount)
	for site := range l.spec.sites() {
		insn := (*sys.Insn)(l.at(site.Insn))
		if v := values[site.Value]; v != COREMissing {
			insn.Imm = int32(v)
		} else {
			*insn = sys.Insn{Code: callHelper, Imm: badRelo} // as the kernel does
		}
	}
}

const callHelper = 0x85 // BPF_JMP | BPF_CALL

// coreProgramAttr is the least of a program's attr that has the number of its CO-RE records.
const coreProgramAttr = uint32(unsafe.Offsetof(sys.ProgLoadAttr{}.CoreReloCnt)) + 4

// checkCORE makes sure of what is about CO-RE, and of the sites, which are in the blob.
func (s *Spec) checkCORE() bool {
	c := &s.CORE
	if c.ValueCount == 0 {
		return true
	}
	ok := s.Phases[0] == 1 && s.BTF.Attr != 0 && s.BTF.Outside &&
		s.array(c.Values, c.ValueCount, 8) && s.array(c.Sites, c.SiteCount, unsafe.Sizeof(CORESite{})) &&
		s.array(c.Records, c.RecordCount, unsafe.Sizeof(sys.CoreRelo{}))
	if !ok {
		return false
	}
	for site := range s.sites() {
		if !s.within(site.Insn, 8) || site.Value >= c.ValueCount {
			return false
		}
	}
	for i := range s.Programs {
		if p := &s.Programs[i]; p.CORERelos != 0 && !s.within(p.Attr, coreProgramAttr) {
			return false
		}
	}
	return true
}

// sites are those of CO-RE.
func (s *Spec) sites() iter.Seq[CORESite] {
	return func(yield func(CORESite) bool) {
		for at := s.CORE.Sites; at < s.CORE.Sites+BlobOff(8*s.CORE.SiteCount); at += 8 {
			if !yield(CORESite{BlobOff(s.word(at)), s.word(at + 4)}) {
				return
			}
		}
	}
}

// array tells whether an array is in the blob.
func (s *Spec) array(at BlobOff, count uint32, size uintptr) bool {
	return at%8 == 0 && uint64(at)+uint64(count)*uint64(size) <= uint64(len(s.Blob))
}
