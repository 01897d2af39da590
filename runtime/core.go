package runtime

import (
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

// loaderCORE gives the loader its own CO-RE records.
func (l *loading) loaderCORE(attr *sys.ProgLoadAttr) {
	attr.ProgBtfFd = uint32(*l.slot(l.spec.BTF.Slot))
	attr.LineInfo = uint64(uintptr(unsafe.Pointer(&noLine)))
	attr.LineInfoCnt, attr.LineInfoRecSize = 1, uint32(unsafe.Sizeof(noLine))
	attr.CoreRelos = uint64(uintptr(l.at(l.spec.CORE.Records)))
	attr.CoreReloCnt, attr.CoreReloRecSize = l.spec.CORE.RecordCount, uint32(unsafe.Sizeof(sys.CoreRelo{}))
}

// applyCORE copies what the loader has resolved to the programs.
func (l *loading) applyCORE() {
	c := &l.spec.CORE
	values := unsafe.Slice((*uint64)(l.at(c.Values)), c.ValueCount)
	for _, site := range unsafe.Slice((*CORESite)(l.at(c.Sites)), c.SiteCount) {
		insn := (*sys.Insn)(l.at(site.Insn))
		if v := values[site.Value]; v != COREMissing {
			insn.Imm = int32(v)
		} else {
			*insn = sys.Insn{Code: callHelper, Imm: badRelo} // as the kernel does
		}
	}
}

const callHelper = 0x85 // BPF_JMP | BPF_CALL
