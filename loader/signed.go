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

// A loader that can be signed differs from others in three ways. Everything that depends on the
// machine is decided here, since the runtime cannot patch it. The buffers for verifier logs are
// passed in the context, which no signature covers. And it checks the properties of its map that
// the signature does not cover, which depend on the form of the signature (see spec.SignedForm).

// checkSignable returns an error for objects that need help from the runtime.
func checkSignable(obj *object.Object) error {
	for _, m := range obj.Maps {
		switch {
		case m.StructOps != nil:
			return cannotSign("object %s cannot be signed: struct %s %s must be converted to the layout of the running kernel, but a signed package cannot be modified",
				obj.Name, m.StructOps.KernelType, m.Name)
		case isOutside(m):
			return cannotSign("object %s cannot be signed: a loader program cannot create map %s, which is local storage or an arena, "+
				"and a signature only covers what the loader creates", obj.Name, m.Name)
		case m.Kind == object.Kconfig:
			for i := range m.Vars {
				if v := &m.Vars[i]; !isAlwaysZero(v) {
					return cannotSign("object %s cannot be signed: the value of the __kconfig variable %s depends on the running kernel, "+
						"but a signature covers all data", obj.Name, v.Name)
				}
			}
		}
	}
	for _, p := range obj.Programs {
		if p.AutoLoad && p.Target == nil && spec.NeedsTarget(p.Type, p.ExpectedAttachType) {
			return cannotSign("object %s cannot be signed: the target of program %s is chosen at run time, but a signature covers it: "+
				"move the program to a package that is not signed", obj.Name, p.Name)
		}
	}
	return nil
}

// signError is why an object cannot be signed. It unwraps to spec.ErrSigned, which is also the
// error of a signed package that was changed.
type signError struct{ text string }

func cannotSign(format string, args ...any) error { return &signError{fmt.Sprintf(format, args...)} }

func (e *signError) Error() string { return e.text }
func (e *signError) Unwrap() error { return spec.ErrSigned }

const (
	// mostCPUs is the largest CONFIG_NR_CPUS of all architectures, 8192 on x86 and powerpc. A perf
	// event array may have more entries than there are CPUs, at 8 bytes each.
	mostCPUs = 8192
	// largestPage is the largest page size of architectures with BPF.
	largestPage = 64 << 10
)

// sizing returns how the runtime adjusts the size of a map. In a signed package it cannot.
func (g *generator) sizing(m *object.Map) spec.Sizing {
	if g.opts.Signed {
		return spec.SizeFixed
	}
	return sizing(m)
}

// maxEntries returns a map's max_entries in the blob.
func (g *generator) maxEntries(m *object.Map) uint32 {
	if g.opts.Signed {
		return fitAnyMachine(m)
	}
	return m.MaxEntries
}

// fitAnyMachine returns a max_entries that works on every machine, for maps whose size the runtime
// otherwise adjusts.
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

// contextOff is the place of the saved context on the stack.
const contextOff = -8

// saveContext saves the context, a table of spec.LogRequest, or loads the number of the part.
//
//	*(u64 *)(r10 -8) = r1        or r2 = *(u32 *)r1
func (g *generator) saveContext(cut bool) {
	if cut {
		g.say("r2 = the part to run")
		g.load(opLdx32, part, r1, 0)
	}
	if !g.opts.Signed {
		return
	}
	g.say("save the context")
	g.emit(insn{op: opStx64, dst: frame, src: r1, off: contextOff})
}

// log is an entry of the context.
var log spec.LogRequest

// logBTF sets the log buffer of the BTF from entry 0 of the context.
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

// logProgram sets the log buffer of a program from the context. It copies level and size, which are
// adjacent in the attr as well, as one 64-bit field.
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

// sign prepares the programs that signatures cover. Loader and blob must be final.
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

// head emits the start of a loader. In one that can be signed, these are the spec.SignedHead bytes
// before the check.
func (g *generator) head(cut bool) {
	g.saveContext(cut)
	g.say("r6 = blob: the slots, which are the fd_array")
	g.loadBlob(slots)
}

// HasSignedHead reports whether a loader begins like one that can be signed.
func HasSignedHead(loader string, bo binary.ByteOrder) bool {
	g := generator{opts: Options{Signed: true}}
	g.head(false)
	return len(loader) > spec.SignedHead && loader[:spec.SignedHead] == string(g.encode(bo))
}

// struct bpf_map begins with the SHA-256 of the contents, which the kernel stores there when it is
// asked for it (array_map_get_hash). The next field depends on the kernel, so the verifier of one
// kernel refuses the check for the other.
const (
	mapExcl = 32 // u32 excl, 1 if the map is exclusive to one program; Linux 7.1 and 7.2
	mapOps  = 32 // the pointer ops, on earlier kernels
)

// BlobCheck returns the instructions that follow the first spec.SignedHead bytes of a loader. They
// check the properties of the loader's map that a signature of that form does not cover. Unless the
// map holds the blob, the loader ends with -EKEYREJECTED. The head has put the address of the map's
// value into R6 and saved the context, so R0 to R5 are free.
//
// For kernels whose signatures cover the map's contents:
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
// The load of the blob's last 8 bytes makes the verifier compare the map's size with the blob's.
// Nothing else does: the signature covers the contents of all maps one after the other, without
// their lengths, so a blob that is split over two maps has the same signature, and bpf_sys_bpf
// follows the pointers of an attr anywhere.
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

// checkSize makes the verifier check that the map's value is at least as large as the blob.
//
//	r2 = *(u64 *)(r6 + len(blob) - 8)
func (a *asm) checkSize(blob string) { a.load(opLdx64, r2, slots, len(blob)-8) }

// checkUnmapped jumps if the map cannot be mapped into a process. A map that can be mapped may be
// written after it was frozen: a process can make the kernel keep its pages (as io_uring buffers,
// for example), and freezing only checks for mappings. The value of such an array begins at a page
// (array_map_alloc), and other values right after struct bpf_array. Pages have at least 4096 bytes.
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

// checkSameMap jumps unless R6 is the value of the map R0. Both come from the same entry of
// fd_array, but kernels before 7.3 read it once for each instruction, and a process may write to it
// in between. The value begins after struct bpf_array, of about 280 bytes. The value of another map
// at a higher address is at least twice as far away plus the size of the blob, since the map R0 has
// the blob's contents. The value of a map at a lower address is at a negative distance.
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

// checkHash jumps unless the kernel's hash of the map is that of the blob. It leaves the map in R0.
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
