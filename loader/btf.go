package loader

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// loadBTF loads the object's BTF, and keeps its fd at hand for maps and programs.
//
//	attr->btf = data
//	slots[btf] = bpf_sys_bpf(BPF_BTF_LOAD, attr, size)
//	r8 = slots[btf]
func (g *generator) loadBTF() {
	const size = unsafe.Offsetof(sys.BtfLoadAttr{}.BtfLogLevel) + 4
	attr := g.attr(sys.BtfLoadAttr{BtfSize: uint32(len(g.obj.BTF))}, size)
	data := g.bytes(g.obj.BTF)

	g.say("load BTF, %d bytes", len(g.obj.BTF))
	g.seek(attr)
	g.step(runtime.Step{Kind: runtime.StepLoadBTF, Result: g.btfSlot, Attr: attr}, func() {
		g.logBTF()
		g.pointTo(pointer{unsafe.Offsetof(sys.BtfLoadAttr{}.Btf), data})
		g.syscall(unix.BPF_BTF_LOAD, size, g.btfSlot)
	})
	g.load(opLdx32, btfFD, slots, off(g.btfSlot))
	g.spec.BTF = runtime.BTFSpec{Attr: attr, Slot: g.btfSlot, Data: data, Size: uint32(len(g.obj.BTF))}
}
