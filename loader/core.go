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
// have to search all of vmlinux's BTF (bpf_core_add_cands in kernel/bpf/btf.c), which takes 0.3 ms.
// If many programs of an object access the same types, or one does so many times, the relocations
// are resolved only once: the loader has the records, for instructions that store the values in the
// blob. The runtime copies the values to all instructions that need them.

// existence maps a kind of relocation to the kind that tests whether it can be resolved. All other
// kinds always can be: they are 0 for a missing type (bpf_core_calc_type_relo in
// tools/lib/bpf/relo_core.c).
var existence = map[uint32]uint32{
	sys.CoreFieldByteOffset: sys.CoreFieldExists, sys.CoreFieldByteSize: sys.CoreFieldExists, sys.CoreFieldSigned: sys.CoreFieldExists,
	sys.CoreFieldLshiftU64: sys.CoreFieldExists, sys.CoreFieldRshiftU64: sys.CoreFieldExists,
	sys.CoreEnumvalValue: sys.CoreEnumvalExists,
}

// reloNames describes the kinds of relocations in listings.
var reloNames = [...]string{
	"offset in", "size of a field of", "field of", "signedness of a field of", "left shift for a field of", "right shift for a field of",
	"local ID of", "ID of", "existence of", "size of", "enumerator of", "value of an enumerator of", "match of",
}

// A sharedRelo is a relocation that the loader resolves for all programs.
type sharedRelo struct {
	typ    btf.TypeID
	access uint32
	kind   uint32
	local  int32 // the value in the object, which the kernel checks
}

// shared holds the relocations that the loader resolves. It is nil if there are too few to gain
// from it.
type shared struct {
	relos []sharedRelo // sorted by name of the root type
	// table is the place of their values in the blob, 64 bits each.
	table spec.BlobOff
	// records are those of the loader, and sites those of the programs.
	records []sys.CoreRelo
	sites   []spec.CORESite
}

// The minimum number of searches of vmlinux's BTF to save: in total, and for each relocation, since
// each makes the loader longer. Most searches do not take place anyway, because the name is still
// in the kernel's cache from the program before.
const (
	worthSharing     = 10
	worthSharingEach = 2
	// The alternative is a minimum number of records to save, of 3 µs each. The loader has two
	// records for each relocation.
	worthSharingRecords = 200
)

// share sets g.shared. A loader that is signed has none, since a signature does not cover the
// records.
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

// shareable returns the shared relocation for a record, if its instruction takes a 32-bit number.
// For instructions that access memory, the kernel may also change the size of the access.
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

// resolveShared emits the instructions that store the shared relocations. The kernel patches the
// numbers in them when it loads the loader, or poisons those that it cannot resolve. The verifier
// knows the numbers, so it never follows both branches.
//
//	r1 = 1             has a record: does it exist?
//	if r1 == 0 goto next
//	w2 = local         has a record: its value
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

// addRecord adds a record for the loader's next instruction.
func (g *generator) addRecord(s sharedRelo, kind uint32) {
	g.shared.records = append(g.shared.records, sys.CoreRelo{
		InsnOff: uint32(8 * len(g.insns)), TypeId: uint32(s.typ), AccessStrOff: s.access, Kind: kind,
	})
}

// addSites records which instructions of a program take shared values.
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

// coreRelos returns a program's CO-RE records. The first own of them are left to the kernel, and
// the loader resolves the others. They are sorted by the name of their root type: the kernel caches
// the candidates of a few names, one for each hash value (bpf_core_find_cands,
// VMLINUX_CAND_CACHE_SIZE in kernel/bpf/btf.c), and alternating names make it search all of its BTF
// again. Every other program has them in reverse order, so that it begins with the names that the
// previous one ended with, which are in the cache.
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

// rootType returns the name of a CO-RE record's root type.
func (g *generator) rootType(id btf.TypeID) string {
	t, err := g.obj.Types.TypeByID(id)
	if err != nil {
		return ""
	}
	return t.TypeName()
}
