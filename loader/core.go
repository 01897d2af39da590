package loader

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// The kernel resolves CO-RE records program by program, and for each program and root type it may
// have to search all of vmlinux's BTF (bpf_core_add_cands in kernel/bpf/btf.c), 0.3 ms each time.
// An object of many programs that look at the same types, or one that repeats itself, has its
// relocations resolved once: the loader itself has the records, in instructions that leave the
// values in the blob. The runtime copies them to all the instructions that want them.

// existence is the relocation that tells whether one of a kind can be resolved. Others always can
// be: that of a type that is not there gives 0 (bpf_core_calc_type_relo in
// tools/lib/bpf/relo_core.c).
var existence = map[uint32]uint32{
	sys.CoreFieldByteOffset: sys.CoreFieldExists, sys.CoreFieldByteSize: sys.CoreFieldExists, sys.CoreFieldSigned: sys.CoreFieldExists,
	sys.CoreFieldLshiftU64: sys.CoreFieldExists, sys.CoreFieldRshiftU64: sys.CoreFieldExists,
	sys.CoreEnumvalValue: sys.CoreEnumvalExists,
}

// reloNames are for listings.
var reloNames = [...]string{
	"offset in", "size of a field of", "field of", "signedness of a field of", "left shift for a field of", "right shift for a field of",
	"local ID of", "ID of", "existence of", "size of", "enumerator of", "value of an enumerator of", "match of",
}

// sharedRelo is a relocation that the loader resolves, for all programs.
type sharedRelo struct {
	typ    btf.TypeID
	access uint32
	kind   uint32
	local  int32 // the value that the object has, which the kernel checks
}

// shared is what the loader resolves; nil if it is not worth it.
type shared struct {
	relos []sharedRelo // sorted by the name of the root type
	// table is where their values are in the blob, 64 bits each.
	table spec.BlobOff
	// records of the loader, sites of the programs.
	records []sys.CoreRelo
	sites   []spec.CORESite
}

// How many searches of vmlinux's BTF may be saved at the least: in all, and for each relocation, of
// which the loader gets longer. Most searches do not take place, because the name is still in the
// kernel's cache from the program before.
const (
	worthSharing     = 10
	worthSharingEach = 2
	// Or how many records, each 3 µs: the loader has two for each relocation.
	worthSharingRecords = 200
)

// share decides what the loader resolves. One that is to be signed may not: a signature does not
// cover the records.
func (g *generator) share() {
	if len(g.obj.BTF) == 0 {
		return
	}
	distinct := make(map[sharedRelo]bool)
	names := make(map[string]bool)
	saved, records := 0, 0
	for _, p := range g.obj.Programs {
		all, own := make(map[string]bool), make(map[string]bool)
		for _, r := range p.CORERelos {
			name := g.rootType(r.Type)
			all[name] = true
			if s, ok := shareable(p, r); ok {
				distinct[s] = true
				names[name] = true
				records++
			} else {
				own[name] = true
			}
		}
		saved += len(all) - len(own)
	}
	saved -= len(names)
	searches := saved >= worthSharing && saved >= worthSharingEach*len(distinct)
	if !searches && records-2*len(distinct) < worthSharingRecords {
		return
	}
	g.shared = &shared{}
	for s := range distinct {
		g.shared.relos = append(g.shared.relos, s)
	}
	slices.SortFunc(g.shared.relos, func(a, b sharedRelo) int {
		return cmp.Or(strings.Compare(g.rootType(a.typ), g.rootType(b.typ)),
			cmp.Compare(a.typ, b.typ), cmp.Compare(a.access, b.access), cmp.Compare(a.kind, b.kind), cmp.Compare(a.local, b.local))
	})
}

// shareable gives what the loader would resolve for a record: those of instructions that take a
// number, of 32 bits. For those that access memory the kernel changes the size of the access as
// well.
func shareable(p *object.Program, r object.CORERelo) (sharedRelo, bool) {
	in := p.Insns[r.Insn]
	if c := sys.Class(in.Op); c != sys.ALU && c != sys.ALU64 || in.Op&sys.X != 0 {
		return sharedRelo{}, false
	}
	if r.Kind > sys.CoreTypeMatches || r.Kind == sys.CoreTypeIDLocal || r.Kind == sys.CoreTypeIDTarget {
		return sharedRelo{}, false
	}
	return sharedRelo{r.Type, r.AccessStr, r.Kind, in.Imm}, true
}

// resolveShared emits what resolves the shared relocations: the kernel changes the numbers in these
// instructions when it loads the loader, or makes those that cannot be resolved invalid. The
// verifier knows the numbers, so that it never follows both branches.
//
//	r1 = 1             with a record: does it exist?
//	if r1 == 0 goto next
//	w2 = local         with a record: its value
//	table[i] = r2
func (g *generator) resolveShared() {
	for i, s := range g.shared.relos {
		g.say("value %d: %s %s", i, reloNames[s.kind], g.rootType(s.typ))
		at := int(g.shared.table) + 8*i
		guard, guarded := existence[s.kind]
		var next label
		if guarded {
			g.addRecord(s, guard)
			g.movImm(r1, 1)
			next = g.jump(opJeqImm, r1, 0)
		}
		g.addRecord(s, s.kind)
		g.emit(insn{op: opMov32Imm, dst: r2, imm: s.local})
		g.store(opStx64, slots, at, r2)
		if guarded {
			g.land(next)
		}
	}
}

// addRecord gives the loader a record for its next instruction.
func (g *generator) addRecord(s sharedRelo, kind uint32) {
	g.shared.records = append(g.shared.records, sys.CoreRelo{
		InsnOff: uint32(8 * len(g.insns)), TypeId: uint32(s.typ), AccessStrOff: s.access, Kind: kind,
	})
}

// addSites notes which instructions of a program want shared values.
func (g *generator) addSites(p *object.Program, insns spec.BlobOff) {
	if g.shared == nil {
		return
	}
	index := make(map[sharedRelo]int)
	for i, s := range g.shared.relos {
		index[s] = i
	}
	for _, r := range p.CORERelos {
		if s, ok := shareable(p, r); ok {
			g.shared.sites = append(g.shared.sites, spec.CORESite{Insn: insns + spec.BlobOff(8*r.Insn), Value: uint32(index[s])})
		}
	}
}

// finishShared appends records and sites to the blob.
func (g *generator) finishShared() {
	if g.shared == nil {
		return
	}
	g.spec.CORE = spec.CORESpec{
		Values: g.shared.table, ValueCount: uint32(len(g.shared.relos)),
		Records: g.record(g.shared.records), RecordCount: uint32(len(g.shared.records)),
		Sites: g.record(g.shared.sites), SiteCount: uint32(len(g.shared.sites)),
	}
}

// coreRelos gives a program's CO-RE records, and how many of them, the first, are its own although
// the loader resolves others. They are sorted by the name of their root type: the kernel keeps the
// candidates of a few names, one for each value of a hash (bpf_core_find_cands,
// VMLINUX_CAND_CACHE_SIZE in kernel/bpf/btf.c), and alternating ones make it search all of its BTF
// again. Every other program has them in reverse: it begins with the names that the one before it
// has ended with, which are those that are kept.
func (g *generator) coreRelos(program int, p *object.Program) (relos []sys.CoreRelo, own int) {
	sorted := slices.Clone(p.CORERelos)
	isOwn := func(r object.CORERelo) bool { return !g.isShared(p, r) }
	slices.SortStableFunc(sorted, func(a, b object.CORERelo) int {
		if a, b := isOwn(a), isOwn(b); a != b {
			if a {
				return -1
			}
			return 1
		}
		order := strings.Compare(g.rootType(a.Type), g.rootType(b.Type))
		if program%2 == 1 {
			return -order
		}
		return order
	})
	for _, r := range sorted {
		relos = append(relos, sys.CoreRelo{InsnOff: 8 * r.Insn, TypeId: uint32(r.Type), AccessStrOff: r.AccessStr, Kind: r.Kind})
		if g.shared != nil && isOwn(r) {
			own++
		}
	}
	return relos, own
}

// rootType names the type that a CO-RE record starts from.
func (g *generator) rootType(id btf.TypeID) string {
	t, err := g.obj.Types.TypeByID(id)
	if err != nil {
		return ""
	}
	return t.TypeName()
}
