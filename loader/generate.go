package loader

import (
	"bytes"
	"fmt"
	"math"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Options say how to make a loader. The zero value is right for most.
type Options struct {
	// StripLineInfo leaves out the programs' line info: smaller blobs, but
	// verifier logs and dumps without source lines.
	StripLineInfo bool
	// Signed makes a package that can be signed: the runtime may not change
	// anything about it. docs/signing.md tells what that means.
	Signed bool
}

// Generate makes the blob and the loader of an object. The same object and
// options give the same bytes.
func Generate(obj *object.Object, opts Options) (*spec.Spec, error) {
	g, err := generate(obj, opts)
	if err != nil {
		return nil, err
	}
	return g.spec, nil
}

// maxSlots is how many 32-bit words the fd_array may have: a kfunc call names
// its BTF by a signed 16-bit index into it.
const maxSlots = math.MaxInt16 + 1

// generator holds what grows while the steps are emitted.
type generator struct {
	obj  *object.Object
	opts Options
	asm
	blob
	spec *spec.Spec

	// at is where the cursor points.
	at spec.BlobOff
	// parts is how many there are so far.
	parts int
	// shared are CO-RE relocations that the loader resolves for all programs.
	shared *shared

	btfSlot     spec.Slot
	innerSlots  map[*object.Map]spec.Slot // by outer map
	results     spec.Slot                 // next free word for the result of a step without fd
	targetIndex map[object.AttachTarget]int32

	// constants are the places of numbers that assembly names.
	constants []spec.Constant

	// structOps are the structs of operations.
	structOps []spec.StructOps

	// addressSlots are where the addresses of kfuncs go, by index of the extern, those
	// whose address is taken; noAddresses is the word that says whether they are looked up.
	addressSlots map[int]spec.Slot
	noAddresses  spec.Slot
}

func generate(obj *object.Object, opts Options) (*generator, error) {
	g, err := emit(obj, opts, !opts.Signed)
	if err == nil && g.tooFar {
		g, err = emit(obj, opts, false)
	}
	return g, err
}

// emit generates a loader. Only one that may be cut has parts, and resolves relocations.
func emit(obj *object.Object, opts Options, mayCut bool) (*generator, error) {
	g := &generator{
		obj:          obj,
		opts:         opts,
		blob:         blob{bo: obj.ByteOrder},
		innerSlots:   make(map[*object.Map]spec.Slot),
		targetIndex:  make(map[object.AttachTarget]int32),
		addressSlots: make(map[int]spec.Slot),
		spec:         &spec.Spec{Name: obj.Name},
	}
	if opts.Signed {
		if err := checkSignable(obj); err != nil {
			return nil, err
		}
	}
	if err := g.planKconfig(); err != nil {
		return nil, err
	}
	g.collectTargets()
	if mayCut {
		g.share()
	}
	if err := g.layOutSlots(); err != nil {
		return nil, err
	}

	jobs := g.plan()
	cut := mayCut && (g.shared != nil || isLarge(jobs))
	g.head(cut)
	if !cut {
		g.mov(cursor, slots)
	}
	g.prepareLicense()
	if g.shared != nil {
		g.loadBTFOutside()
	}
	if cut {
		g.emitParts(jobs)
	} else {
		g.emitJobs(jobs)
	}
	g.finish()
	g.finishShared()
	g.finishStructOps()

	g.spec.Loader = string(g.asm.encode(obj.ByteOrder))
	g.spec.Blob = string(g.blob.buf)
	g.spec.Constants = spec.FormatConstants(g.constants)
	g.sign()
	return g, nil
}

// layOutSlots gives each thing that the loader finds or creates its word at
// the start of the blob. Maps come first, so that a map's slot is the index that the
// object's instructions have; what is found comes last, in aligned pairs.
func (g *generator) layOutSlots() error {
	s := g.spec
	var next spec.Slot
	for range g.obj.Maps {
		s.Maps = append(s.Maps, spec.MapSpec{Slot: next})
		next++
	}
	for range g.obj.Programs {
		s.Programs = append(s.Programs, spec.ProgramSpec{Slot: next})
		next++
	}
	if next == 0 {
		next++ // slot 0 is never a BTF
	}
	g.btfSlot = next
	next++
	for _, m := range g.obj.Maps {
		if m.Inner != nil {
			g.innerSlots[m] = next
			next++
		}
	}
	g.results = next
	next += spec.Slot(g.countResults())
	next += next % 2
	for i := range s.Targets {
		s.Targets[i].Slot = next
		next += 2
	}
	addressed := g.addressedKfuncs()
	for i, e := range g.obj.Externs {
		s.Externs = append(s.Externs, spec.ExternSpec{
			Name: e.Name,
			Kind: spec.ExternKind(e.Kind),
			Weak: e.Weak,
			Slot: next,
		})
		next += 2
		if e.Kind == object.KsymAddr {
			next += 2 // the address itself
		}
		if addressed[i] {
			g.addressSlots[i] = next
			next += 4 // what kallsyms answers, and the address
		}
	}
	if len(g.addressSlots) > 0 {
		g.noAddresses = next
		s.NoAddresses = next
		next += 2
	}
	if next > maxSlots {
		return fmt.Errorf("object %s needs %d slots for its maps, programs and externs: the kernel can index %d", g.obj.Name, next, maxSlots)
	}
	s.Slots = int(next)
	g.zeros(4 * int(next))
	if g.shared != nil {
		g.shared.table = g.bytes(bytes.Repeat([]byte{0xff}, 8*len(g.shared.relos))) // spec.COREMissing
	}
	if len(g.addressSlots) > 0 {
		g.blob.bo.PutUint32(g.buf[off(g.noAddresses):], 1)
	}
	return nil
}

// countResults counts the steps that leave an errno but no fd.
func (g *generator) countResults() int {
	n := 0
	for _, m := range g.obj.Maps {
		n += len(m.Slots)
		if isFilled(m) {
			n++
		}
		if isReadOnly(m) {
			n++
		}
	}
	return n
}

// nextResult takes a word for the result of a step without fd.
func (g *generator) nextResult() spec.Slot {
	s := g.results
	g.results++
	return s
}

// off is where a slot is, in bytes from the slots register.
func off(s spec.Slot) int { return 4 * int(s) }

// seek moves the cursor to a record.
//
//	r7 += record - cursor
func (g *generator) seek(to spec.BlobOff) {
	g.add(cursor, int32(to)-int32(g.at))
	g.at = to
}

// pointTo sets pointer fields of the record at the cursor, each to a place
// in the same record. The places must ascend.
//
//	*(u64 *)(cursor + field) = cursor + place
func (g *generator) pointTo(ptrs ...pointer) {
	at := g.at
	g.mov(r1, cursor)
	for _, p := range ptrs {
		g.add(r1, int32(p.to)-int32(at))
		g.store(opStx64, cursor, int(p.field), r1)
		at = p.to
	}
}

// pointer is a field of an attr, and where in the blob it shall point.
type pointer struct {
	field uintptr
	to    spec.BlobOff
}

// syscall does what the attr at the cursor says and keeps the result.
//
//	*(u32 *)(slots + result) = bpf_sys_bpf(cmd, cursor, size)
func (g *generator) syscall(cmd sys.Cmd, size uintptr, result spec.Slot) {
	g.movImm(r1, int32(cmd))
	g.mov(r2, cursor)
	g.movImm(r3, int32(size))
	g.call(sysBPF)
	g.store(opStx32, slots, off(result), r0)
}

// step records the instructions that f emits as a step.
func (g *generator) step(s spec.Step, f func()) {
	s.Start = int32(len(g.insns))
	f()
	s.End = int32(len(g.insns))
	g.spec.Steps = append(g.spec.Steps, s)
}
