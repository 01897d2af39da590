package loader

import (
	"bytes"
	"fmt"
	"math"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Options configures the generation of a loader. The zero value suits most objects.
type Options struct {
	// StripLineInfo omits the programs' line info: blobs are smaller, but verifier logs and dumps
	// lack source lines.
	StripLineInfo bool
	// Signed makes a package that can be signed, which the runtime cannot modify: see
	// docs/signing.md.
	Signed bool
}

// Generate returns the blob and the loader of an object. The same object and options give the same
// bytes.
func Generate(obj *object.Object, opts Options) (*spec.Spec, error) {
	g, err := generate(obj, opts)
	if err != nil {
		return nil, err
	}
	return g.spec, nil
}

// maxSlots is the maximum number of 32-bit words in the fd_array: a kfunc call has a signed 16-bit
// index into it.
const maxSlots = math.MaxInt16 + 1

// generator holds the state of a generation.
type generator struct {
	obj  *object.Object
	opts Options
	asm
	blob
	spec *spec.Spec

	// at is the value of the cursor.
	at spec.BlobOff
	// parts is the number of parts so far.
	parts int
	// shared holds the CO-RE relocations that the loader resolves for all programs.
	shared *shared

	btfSlot     spec.Slot
	innerSlots  map[*object.Map]spec.Slot // by outer map
	results     spec.Slot                 // next free word for a step that returns no fd
	targetIndex map[object.AttachTarget]int32

	// constants holds the places of constants that assembly names.
	constants []spec.Constant

	// structOps describes the struct_ops maps.
	structOps []spec.StructOps

	// addressSlots holds the slots for the addresses of kfuncs, by index of the extern, for those
	// whose address is taken. noAddresses is the word that controls whether they are looked up.
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

// emit generates a loader. Only with mayCut may it have parts, and resolve relocations.
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

// layOutSlots assigns a word at the start of the blob to everything that the loader finds or
// creates. Maps come first, so that a map's slot is the index in the object's instructions. Results
// of look-ups come last, in aligned pairs.
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
		next++ // slot 0 is never a BTF fd
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
			next += 2 // the address
		}
		if addressed[i] {
			g.addressSlots[i] = next
			next += 4 // the result of the look-up in kallsyms, and the address
		}
	}
	if len(g.addressSlots) > 0 {
		g.noAddresses = next
		s.NoAddresses = next
		next += 2
	}
	if next > maxSlots {
		return fmt.Errorf("object %s needs %d slots for its maps, programs and externs: the limit is %d", g.obj.Name, next, maxSlots)
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

// countResults returns the number of steps that return an errno but no fd.
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

// nextResult allocates a word for the result of a step that returns no fd.
func (g *generator) nextResult() spec.Slot {
	s := g.results
	g.results++
	return s
}

// off returns the offset of a slot from the slots register, in bytes.
func off(s spec.Slot) int { return 4 * int(s) }

// seek moves the cursor to a record.
//
//	r7 += record - cursor
func (g *generator) seek(to spec.BlobOff) {
	g.add(cursor, int32(to)-int32(g.at))
	g.at = to
}

// pointTo sets pointer fields of the record at the cursor to places in the same record, which must
// be in ascending order.
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

// A pointer is a field of an attr, and the place in the blob that it points to.
type pointer struct {
	field uintptr
	to    spec.BlobOff
}

// syscall emits a bpf_sys_bpf with the attr at the cursor, and stores the result.
//
//	*(u32 *)(slots + result) = bpf_sys_bpf(cmd, cursor, size)
func (g *generator) syscall(cmd sys.Cmd, size uintptr, result spec.Slot) {
	g.movImm(r1, int32(cmd))
	g.mov(r2, cursor)
	g.movImm(r3, int32(size))
	g.call(sysBPF)
	g.store(opStx32, slots, off(result), r0)
}

// step adds a step with the instructions that f emits.
func (g *generator) step(s spec.Step, f func()) {
	s.Start = int32(len(g.insns))
	f()
	s.End = int32(len(g.insns))
	g.spec.Steps = append(g.spec.Steps, s)
}
