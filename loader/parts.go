package loader

import (
	"math"
	"slices"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// The work of a loader is a list of jobs: a map with its value, a look-up, a program. For small
// objects one run does all of them. The loader of an object that takes the kernel long is cut into
// parts, which the runtime runs on several threads: the kernel verifies programs and allocates maps
// on several CPUs at once.

// A job is a unit of work that does not depend on other jobs of its phase.
type job struct {
	phase phase
	cost  int // estimated time in the kernel, in µs
	emit  func()
}

// A phase must end before the next one begins.
type phase int

const (
	phaseBTF      phase = iota
	phaseCORE           // then the runtime patches programs with the resolved values
	phaseMaps           // and look-ups
	phasePrograms       // and initial entries of maps of maps, each of which waits for an RCU grace period
	phaseEntries        // of program arrays
)

// plan returns all jobs, in the order for a single thread.
func (g *generator) plan() []job {
	var jobs []job
	switch {
	case g.shared != nil:
		jobs = append(jobs, job{phaseCORE, 0, g.resolveShared})
	case len(g.obj.BTF) > 0:
		jobs = append(jobs, job{phaseBTF, costBTF, g.loadBTF})
	}
	for i, m := range g.obj.Maps {
		jobs = append(jobs, job{phaseMaps, mapCost(m), func() { g.makeMap(i, m) }})
	}
	for i := range g.spec.Targets {
		jobs = append(jobs, job{phaseMaps, costFind, func() { g.findTarget(i) }})
	}
	for i := range g.obj.Externs {
		jobs = append(jobs, job{phaseMaps, costFind, func() { g.findExtern(i) }})
	}
	for i, m := range g.obj.Maps {
		for _, s := range m.Slots {
			if s.Map != nil {
				jobs = append(jobs, job{phasePrograms, costEntry, func() { g.setSlot(i, m, s.Index, g.slotOf(s.Map)) }})
			}
		}
	}
	jobs = append(jobs, g.programJobs()...)
	for i, m := range g.obj.Maps {
		for _, s := range m.Slots {
			if s.Program != nil {
				jobs = append(jobs, job{phaseEntries, costStep, func() { g.setSlot(i, m, s.Index, g.programSlot(s.Program)) }})
			}
		}
	}
	return jobs
}

// programJobs returns a job for each program, and a single job for all programs that must not be
// loaded concurrently.
func (g *generator) programJobs() []job {
	together := g.compete()
	var jobs []job
	one := job{phase: phasePrograms}
	var emits []func()
	for i, p := range g.obj.Programs {
		emit := func() { g.loadProgram(i, p) }
		if together && slices.ContainsFunc(p.CORERelos, func(r object.CORERelo) bool { return !g.isShared(p, r) }) {
			emits = append(emits, emit)
			one.cost += programCost(p)
			continue
		}
		jobs = append(jobs, job{phasePrograms, programCost(p), emit})
	}
	if emits != nil {
		one.emit = func() {
			for _, emit := range emits {
				emit()
			}
		}
		jobs = append(jobs, one)
	}
	return jobs
}

// Costs, measured on Linux 6.18. Rough figures suffice: they decide whether an object is large, and
// threads take parts from a common queue, so that none waits long for another.
const (
	costBTF   = 10
	costMap   = 5
	costFind  = 40
	costStep  = 3
	costEntry = 10000
)

func mapCost(m *object.Map) int {
	entry := (uint64(m.ValueSize) + 7) &^ 7
	switch m.Type {
	case sys.MapTypeHash, sys.MapTypeLRUHash:
		if m.Flags&sys.FlagNoPrealloc != 0 {
			return costMap
		}
		entry += uint64(m.KeySize) + 64 // struct htab_elem and its bucket
	case sys.MapTypeArray:
	default:
		return costMap
	}
	const bytesPerMicrosecond = 5000
	return costMap + int(min(uint64(m.MaxEntries)*entry/bytesPerMicrosecond, math.MaxInt32))
}

func programCost(p *object.Program) int {
	return 12 + len(p.Insns)/2 + 3*len(p.CORERelos)
}

const (
	// worthCutting is the least work that threads must be able to share, in µs, for a loader to be
	// cut. Waking a thread takes 10 µs, and starting one 50.
	worthCutting = 100
	// leastPart is the least cost of a part, in µs. A run takes 3 µs, and so does a branch of the
	// loader.
	leastPart = 60
	// mostParts is the maximum number of parts in a phase, enough for threads to share it evenly.
	mostParts = 4
	// mostPartInsns bounds the length of a part that has more than one job: a 16-bit jump skips the
	// part.
	mostPartInsns = 30000
)

// isLarge reports whether several threads would finish the jobs much sooner than one.
func isLarge(jobs []job) bool {
	var total, largest [phaseEntries + 1]int
	for _, j := range jobs {
		total[j.phase] += j.cost
		largest[j.phase] = max(largest[j.phase], j.cost)
	}
	shared := 0
	for p := range total {
		shared += total[p] - largest[p]
	}
	return shared >= worthCutting
}

// emitJobs emits all jobs in sequence.
func (g *generator) emitJobs(jobs []job) {
	for i, j := range jobs {
		j.emit()
		if j.phase == phaseBTF && i+1 < len(jobs) {
			g.takeBTF()
		}
	}
}

// emitParts emits the jobs as parts. The context has the number of the part to run.
//
//	r2 = *(u32 *)ctx
func (g *generator) emitParts(jobs []job) {
	for len(jobs) > 0 {
		n := slices.IndexFunc(jobs, func(j job) bool { return j.phase != jobs[0].phase })
		if n < 0 {
			n = len(jobs)
		}
		g.spec.Phases = append(g.spec.Phases, g.emitPhase(jobs[:n]))
		jobs = jobs[n:]
	}
}

// emitPhase emits the jobs of a phase as parts of about the same cost, and returns their number.
func (g *generator) emitPhase(jobs []job) (parts int32) {
	total := 0
	for _, j := range jobs {
		total += j.cost
	}
	enough := max(total/mostParts, leastPart)
	for i := 0; i < len(jobs); parts++ {
		next := g.beginPart()
		begin, cost := len(g.insns), 0
		for ; i < len(jobs) && (cost == 0 || cost+jobs[i].cost/2 < enough) && len(g.insns)-begin < mostPartInsns; i++ {
			jobs[i].emit()
			cost += jobs[i].cost
		}
		g.finish()
		g.land(next)
	}
	return parts
}

// beginPart begins a part, which ends where the label lands.
//
//	if r2 != part goto next
//	r7 = r6
//	r8 = slots[btf]
func (g *generator) beginPart() (next label) {
	g.say("part %d", g.parts)
	next = g.jump(opJneImm, part, int32(g.parts))
	g.mov(cursor, slots)
	g.at = 0
	if (g.parts > 0 || g.shared != nil) && len(g.obj.BTF) > 0 {
		g.takeBTF()
	}
	g.parts++
	return next
}

// finish emits the end of a run.
//
//	return 0
func (g *generator) finish() {
	g.say("return 0")
	g.movImm(r0, 0)
	g.emit(insn{op: opExit})
}
