package loader

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// A loader that is to be signed differs from others in three ways. What depends on the machine is
// decided here, since the runtime may not patch. Where verifier logs go comes through the context,
// which no signature covers. And there is a check of what the signature does not say about the
// loader's map, for each form of signatures another one (see spec.SignedForm).

// checkSignable refuses objects that the runtime has to help with.
func checkSignable(obj *object.Object) error {
	for _, m := range obj.Maps {
		switch {
		case m.StructOps != nil:
			return fmt.Errorf("object %s cannot be signed: struct %s %s has to be fitted to the kernel that loads it, and nothing in a signed package can be changed",
				obj.Name, m.StructOps.KernelType, m.Name)
		case isOutside(m):
			return fmt.Errorf("object %s cannot be signed: map %s is local storage or an arena, which a loader program must not create, "+
				"and the signature covers what the loader creates only", obj.Name, m.Name)
		case m.Kind == object.Kconfig:
			for i := range m.Vars {
				if v := &m.Vars[i]; !isAlwaysZero(v) {
					return fmt.Errorf("object %s cannot be signed: only the machine that loads it knows the value of the __kconfig variable %s, "+
						"and a signature covers all that is loaded", obj.Name, v.Name)
				}
			}
		}
	}
	for _, p := range obj.Programs {
		if p.AutoLoad && p.Target == nil && spec.NeedsTarget(p.Type, p.ExpectedAttachType) {
			return fmt.Errorf("object %s cannot be signed: program %s attaches to what is chosen at run time, and a signature covers that: "+
				"put it into a package that is not signed", obj.Name, p.Name)
		}
	}
	return nil
}

const (
	// mostCPUs is the largest CONFIG_NR_CPUS that any architecture has: 8192 on x86 and powerpc. A
	// perf event array may have more entries than there are CPUs; each costs 8 bytes.
	mostCPUs = 8192
	// largestPage is the largest page size of architectures with BPF.
	largestPage = 64 << 10
)

// sizing tells what the runtime has to adjust: nothing, if it may not.
func (g *generator) sizing(m *object.Map) spec.Sizing {
	if g.opts.Signed {
		return spec.SizeFixed
	}
	return sizing(m)
}

// maxEntries is a map's max_entries in the blob.
func (g *generator) maxEntries(m *object.Map) uint32 {
	if g.opts.Signed {
		return fitAnyMachine(m)
	}
	return m.MaxEntries
}

// fitAnyMachine gives max_entries a value that does on every machine, for
// those maps whose size the runtime otherwise adjusts to the one that it runs on.
func fitAnyMachine(m *object.Map) uint32 {
	switch sizing(m) {
	case spec.SizeCPUs:
		return mostCPUs
	case spec.SizePages:
		pages := (uint64(m.MaxEntries) + largestPage - 1) / largestPage
		if pages&(pages-1) != 0 {
			pages = 1 << bits.Len64(pages)
		}
		if size := pages * largestPage; size <= 1<<31 {
			return uint32(size)
		}
	}
	return m.MaxEntries
}

// contextOff is where on the stack the loader keeps its context.
const contextOff = -8

// saveContext keeps the context: a table of spec.LogRequest, or the number of a part.
//
//	*(u64 *)(r10 -8) = r1        or r2 = *(u32 *)r1
func (g *generator) saveContext(cut bool) {
	if cut {
		g.say("r2 = the part to do")
		g.load(opLdx32, part, r1, 0)
	}
	if !g.opts.Signed {
		return
	}
	g.say("keep the context")
	g.emit(insn{op: opStx64, dst: frame, src: r1, off: contextOff})
}

// log is an entry of the context.
var log spec.LogRequest

// logBTF takes from the context where the log of the BTF goes: entry 0.
//
//	attr->btf_log_level = ctx[0].level; attr->btf_log_size = ctx[0].size;
//	attr->btf_log_buf = ctx[0].buf
func (g *generator) logBTF() {
	if !g.opts.Signed {
		return
	}
	var attr sys.BtfLoadAttr
	g.emit(insn{op: opLdx64, dst: r1, src: frame, off: contextOff})
	for _, f := range []struct {
		load, store uint8
		from, to    uintptr
	}{
		{opLdx32, opStx32, unsafe.Offsetof(log.Level), unsafe.Offsetof(attr.BtfLogLevel)},
		{opLdx32, opStx32, unsafe.Offsetof(log.Size), unsafe.Offsetof(attr.BtfLogSize)},
		{opLdx64, opStx64, unsafe.Offsetof(log.Buf), unsafe.Offsetof(attr.BtfLogBuf)},
	} {
		g.load(f.load, r2, r1, int(f.from))
		g.store(f.store, cursor, int(f.to), r2)
	}
}

// logProgram takes from the context where the log of a program goes. Level and
// size are one field of 64 bits here: they are neighbours in the attr as well.
//
//	attr->log_level, log_size = ctx[1 + program].level, size; attr->log_buf = ctx[1 + program].buf
func (g *generator) logProgram(program int) {
	if !g.opts.Signed || program >= spec.MaxLogRequests-1 {
		return
	}
	var attr sys.ProgLoadAttr
	entry := (1 + program) * int(unsafe.Sizeof(log))
	g.emit(insn{op: opLdx64, dst: r1, src: frame, off: contextOff})
	g.load(opLdx64, r2, r1, entry)
	g.store(opStx64, cursor, int(unsafe.Offsetof(attr.LogLevel)), r2)
	g.load(opLdx64, r2, r1, entry+int(unsafe.Offsetof(log.Buf)))
	g.store(opStx64, cursor, int(unsafe.Offsetof(attr.LogBuf)), r2)
}

// sign prepares the programs that signatures cover, once loader and blob are final.
func (g *generator) sign() {
	if !g.opts.Signed {
		return
	}
	signed := &spec.SignedSpec{}
	for form := range spec.SignedForms {
		signed.Forms[form].Check = BlobCheck(form, g.spec.Blob, g.blob.bo)
	}
	g.spec.Signed = signed
	for form := range spec.SignedForms {
		hash := sha256.Sum256([]byte(g.spec.SignedLoader(form)))
		signed.Forms[form].LoaderHash = string(hash[:])
	}
}

// head is what a loader begins with. In one that can be signed, these are the spec.SignedHead bytes
// before the check.
func (g *generator) head(cut bool) {
	g.saveContext(cut)
	g.say("r6 = blob: the slots, which are the fd_array")
	g.loadBlob(slots)
}

// HasSignedHead reports whether a loader begins as one that can be signed does.
func HasSignedHead(loader string, bo binary.ByteOrder) bool {
	g := generator{opts: Options{Signed: true}}
	g.head(false)
	return len(loader) > spec.SignedHead && loader[:spec.SignedHead] == string(g.encode(bo))
}

// What struct bpf_map begins with: the SHA-256 of the contents, which the kernel leaves there when
// it is asked for it (array_map_get_hash). What follows tells kernels apart, and so the check for
// one kind is refused by the verifier on the other.
const (
	mapExcl = 32 // u32 excl: 1 if the map is exclusive to one program; Linux 7.1 and 7.2
	mapOps  = 32 // the pointer ops, on kernels before
)

// BlobCheck returns the instructions that go into a loader after its first spec.SignedHead bytes:
// what a signature of that form does not say about the loader's map. Unless the map is the blob's,
// the loader ends with -EKEYREJECTED. The head has put the address of the map's value into R6, and
// kept the context, so that R0 to R5 are free.
//
// For kernels that cover the map's contents:
//
//	r2 = *(u64 *)(r6 + len(blob) - 8)
//	if the map can be mapped: end
//
// and for kernels that leave the contents to the loader, before that, with r0 = map:
//
//	r4 = 0
//	r4 |= *(u64 *)(r0 + 8*i) ^ hash[i]            for all four i
//	r4 |= *(u32 *)(r0 + excl) ^ 1                  or r2 = *(u64 *)(r0 + ops)
//	if r4 != 0, or r6 is not the value of r0: end
//
// The load of the blob's last 8 bytes is what makes the verifier compare the map's size with the
// blob's. Without it nothing would: the kernel signs the contents of all maps one after the other,
// without their lengths, so that a blob that is cut in two maps has the same signature, and
// bpf_sys_bpf reads what an attr points to wherever that is.
func BlobCheck(form spec.SignedForm, blob string, bo binary.ByteOrder) string {
	var a asm
	var rejected []label
	if form != spec.SignedContents {
		rejected = append(rejected, a.checkHash(form, blob, bo), a.checkSameMap(blob))
	}
	a.checkSize(blob)
	accepted := a.checkUnmapped()
	for _, l := range rejected {
		a.land(l)
	}
	a.movImm(r0, -int32(unix.EKEYREJECTED))
	a.emit(insn{op: opExit})
	a.land(accepted)
	return string(a.encode(bo))
}

// checkSize has the verifier see that the map's value is as large as the blob.
//
//	r2 = *(u64 *)(r6 + len(blob) - 8)
func (a *asm) checkSize(blob string) { a.load(opLdx64, r2, slots, len(blob)-8) }

// checkUnmapped jumps if the map cannot be mapped into a process. One that can may be written after
// it was frozen: what maps memory can have the kernel keep its pages (io_uring's buffers, for
// example), and freezing looks for mappings only. The value of such an array begins at a page
// (array_map_alloc), other values right after struct bpf_array. Pages are 4096 bytes at least.
//
//	w2 = w6
//	w2 &= 4095
//	if r2 != 0 goto accepted
func (a *asm) checkUnmapped() (accepted label) {
	const leastPage = 4096
	a.emit(insn{op: opMov32Reg, dst: r2, src: slots})
	a.alu(opAnd32Imm, r2, leastPage-1)
	return a.jump(opJneImm, r2, 0)
}

// checkSameMap jumps unless R6 is the value of the map R0. Both come from the same place of
// fd_array, but kernels before 7.3 read that once for each instruction, and a process may write to
// it between. The value begins after struct bpf_array, of 280 bytes or so. The value of any other
// map that lies behind is at least twice as far and the size of the blob farther, since the map R0
// has the blob's contents; that of one before is at a negative distance.
//
//	r1 = r6
//	r1 -= r0
//	if r1 > len(blob) + 256 goto rejected
func (a *asm) checkSameMap(blob string) (rejected label) {
	const lessThanTwoArrays = 256
	a.mov(r1, slots)
	a.op(opSubReg, r1, r0)
	return a.jump(opJgtImm, r1, int32(len(blob))+lessThanTwoArrays)
}

// checkHash jumps unless the kernel's hash of the map is the blob's, and leaves the map in R0.
func (a *asm) checkHash(form spec.SignedForm, blob string, bo binary.ByteOrder) (rejected label) {
	hash := sha256.Sum256([]byte(blob))
	a.emit(insn{op: opLdImm64, dst: r0, src: sys.PseudoMapIdx})
	a.emit(insn{})
	a.movImm(r4, 0)
	for i := range len(hash) / 8 {
		want := bo.Uint64(hash[8*i:])
		a.load(opLdx64, r2, r0, 8*i)
		a.emit(insn{op: opLdImm64, dst: r3, imm: int32(want)})
		a.emit(insn{imm: int32(want >> 32)})
		a.xor(r2, r3)
		a.or(r4, r2)
	}
	if form == spec.SignedExclusive {
		a.load(opLdx32, r2, r0, mapExcl)
		a.alu(opXorImm, r2, 1)
		a.or(r4, r2)
	} else {
		a.load(opLdx64, r2, r0, mapOps)
	}
	return a.jump(opJneImm, r4, 0)
}
