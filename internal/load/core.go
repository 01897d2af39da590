package load

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// leaveToLoader removes from the programs the CO-RE records that the loader resolves for them.
func (e *engine) leaveToLoader() {
	for i := range e.spec.Programs {
		if p := &e.spec.Programs[i]; p.CORERelos != 0 {
			(*sys.ProgLoadAttr)(e.blob.at(p.Attr)).CoreReloCnt = p.OwnRelos
		}
	}
}

// noLine is the line info of a program that has none.
var noLine [1]sys.LineInfo

// loaderCORE adds the loader's own CO-RE records to its attr, and returns the size of the attr. It
// adds line info too: the kernel ignores CO-RE records of a program without it (check_btf_info).
func (e *engine) loaderCORE(attr *sys.ProgLoadAttr) uintptr {
	attr.ProgBtfFd = uint32(*e.blob.slot(e.spec.BTF.Slot))
	lines := noLine[:]
	if e.lines != nil {
		lines = *e.lines
	}
	attr.LineInfo = sys.Addr(unsafe.Pointer(&lines[0]))
	attr.LineInfoCnt, attr.LineInfoRecSize = uint32(len(lines)), uint32(unsafe.Sizeof(lines[0]))
	attr.CoreRelos = sys.Addr(e.blob.at(e.spec.CORE.Records))
	attr.CoreReloCnt, attr.CoreReloRecSize = e.spec.CORE.RecordCount, uint32(unsafe.Sizeof(sys.CoreRelo{}))
	return unsafe.Offsetof(attr.CoreReloRecSize) + 4
}

// applyCORE copies the values that the loader has resolved to the programs.
func (e *engine) applyCORE() {
	c := &e.spec.CORE
	values := unsafe.Slice((*uint64)(e.blob.at(c.Values)), c.ValueCount)
	for site := range e.spec.Sites() {
		insn := (*sys.Insn)(e.blob.at(site.Insn))
		if v := values[site.Value]; v != spec.COREMissing {
			insn.Imm = int32(v)
		} else {
			*insn = sys.Insn{Code: sys.OpCall, Imm: spec.BadRelo} // as the kernel does
		}
	}
}
