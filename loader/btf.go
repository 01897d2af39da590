package loader

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// loadBTF loads the object's BTF.
//
//	attr->btf = data
//	slots[btf] = bpf_sys_bpf(BPF_BTF_LOAD, attr, size)
func (g *generator) loadBTF() {
	attr, data := g.btfRecord()
	g.say("load BTF, %d bytes", len(g.obj.BTF))
	g.seek(attr)
	g.step(spec.Step{Kind: spec.StepLoadBTF, Result: g.btfSlot, Attr: attr}, func() {
		g.logBTF()
		g.pointTo(pointer{unsafe.Offsetof(sys.BtfLoadAttr{}.Btf), data})
		g.syscall(sys.CmdBtfLoad, btfAttrSize, g.btfSlot)
	})
}

// loadBTFOutside emits a step that the runtime runs: the BTF must be loaded before a loader that
// has CO-RE records itself.
func (g *generator) loadBTFOutside() {
	attr, _ := g.btfRecord()
	g.spec.BTF.Outside = true
	g.step(spec.Step{Kind: spec.StepLoadBTF, Result: g.btfSlot, Attr: attr}, func() {})
}

const btfAttrSize = unsafe.Offsetof(sys.BtfLoadAttr{}.BtfLogLevel) + 4

func (g *generator) btfRecord() (attr, data spec.BlobOff) {
	attr = g.attr(sys.BtfLoadAttr{BtfSize: uint32(len(g.obj.BTF))}, btfAttrSize)
	data = g.bytes(g.obj.BTF)
	g.spec.BTF = spec.BTFSpec{Attr: attr, Slot: g.btfSlot, Data: data, Size: uint32(len(g.obj.BTF))}
	return attr, data
}

// takeBTF puts the fd of the BTF into its register, for maps and programs.
//
//	r8 = slots[btf]
func (g *generator) takeBTF() { g.load(opLdx32, btfFD, slots, off(g.btfSlot)) }
