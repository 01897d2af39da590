package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// What an agent does all day: it reads events and looks up entries of maps. Package use and c/use.c
// do this; this file asks them in turn.

const (
	copied = "copied" // ours, each record copied
	single = "single" // ours, one record a call
)

// useRow is an operation, with the cheapest and the usual way to do it.
type useRow struct {
	Name, What string
	events     bool // also measured as copied and single
	live       bool // programs write at the same time: there is no floor
}

var useRows = []useRow{
	{Name: "ring 8", What: "a record of 8 bytes out of a ring buffer", events: true},
	{Name: "ring 48", What: "of 48 bytes", events: true},
	{Name: "ring 512", What: "of 512 bytes", events: true},
	{Name: "ring 4096", What: "of 4,096 bytes", events: true},
	{Name: "ring 48 live", What: "of 48 bytes, while a program writes and wakes the reader", events: true, live: true},
	{Name: "ring 48 live, no wake-up", What: "while a program writes and wakes the reader once for 128", events: true, live: true},
	{Name: "ring 48 live, 4 writers", What: "while four threads run the program", events: true, live: true},
	{Name: "perf 8", What: "a record of 8 bytes out of a perf event array", events: true},
	{Name: "perf 48", What: "of 48 bytes", events: true},
	{Name: "perf 512", What: "of 512 bytes", events: true},
	{Name: "perf 4096", What: "of 4,096 bytes", events: true},
	{Name: "lookup", What: "a value of 16 bytes in a hash"},
	{Name: "update", What: "the same"},
	{Name: "update, batch", What: "an entry of 1,000 at once"},
	{Name: "per-CPU lookup", What: "the values of all CPUs, into memory that is there"},
	{Name: "iterate", What: "an entry of 50,000 in a hash: our iterator, others' batch lookup"},
	{Name: "attach", What: "a program to a raw tracepoint, and off again"},
}

// usePeers are the columns of a row.
func (r useRow) usePeers() []string {
	ids := []string{ours}
	if r.events {
		ids = append(ids, copied, single)
	}
	ids = append(ids, cilium, full)
	if !r.live {
		ids = append(ids, bottom)
	}
	return ids
}

// useResult is the measurement of a row: ns per operation, by peer, one number for each round.
type useResult struct {
	Name, What string
	Took       map[string][]float64
}

// use measures operations on a loaded object.
func (p plan) use(ctx context.Context, b *builder) ([]useResult, error) {
	s, err := (benchObject{Name: "use", source: "bench_use"}).prepare(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := b.runIn(b.path(".."), "go", "build", "-trimpath", "-buildvcs=false", "-o", b.path("go-bin")+"/", "./use"); err != nil {
		return nil, err
	}
	inC, err := b.buildUse(s)
	if err != nil {
		return nil, err
	}
	inGo, err := start(ctx, b.path("go-bin/use"), s.Path)
	if err != nil {
		return nil, err
	}
	defer inGo.stop()
	withLibbpf, err := start(ctx, inC)
	if err != nil {
		return nil, err
	}
	defer withLibbpf.stop()
	var all []useResult
	for _, row := range useRows {
		begin := time.Now()
		res := useResult{Name: row.Name, What: row.What, Took: map[string][]float64{}}
		ask := func(ids []string, count bool) error {
			for _, id := range ids {
				peer := inGo
				if id == full {
					peer = withLibbpf
				}
				took, err := peer.ask(id+" "+row.Name, 1)
				if err != nil {
					return err
				}
				if count {
					res.Took[id] = append(res.Took[id], took[0])
				}
			}
			return nil
		}
		ids := row.usePeers()
		if err := ask(ids, false); err != nil { // pages and caches are cold the first time
			return nil, err
		}
		if err := p.uses.rounds(ids, func(ids []string) error { return ask(ids, true) }); err != nil {
			return nil, err
		}
		say("use %-24s %5.1f s, %d rounds", row.Name, time.Since(begin).Seconds(), len(res.Took[ours]))
		all = append(all, res)
	}
	return all, nil
}

// useCells returns the row of a result: medians, then ratios.
func (u *useResult) useCells() []string {
	cells := []string{u.Name, u.What}
	for _, id := range []string{ours, copied, single, cilium, full, bottom} {
		cells = append(cells, number(median(u.Took[id])))
	}
	for _, pair := range [][2]string{{ours, bottom}, {ours, cilium}, {copied, cilium}, {ours, full}} {
		cells = append(cells, u.ratioText(pair[0], pair[1]))
	}
	return cells
}

func (u *useResult) ratioText(id, rival string) string {
	if len(u.Took[id]) == 0 || len(u.Took[rival]) == 0 {
		return ""
	}
	v := ratio(u.Took[id], u.Took[rival])
	return fmt.Sprintf("%s (%s-%s)", number(v.Value), number(v.Low), number(v.High))
}

var useHead = []string{
	"", "", "bpf2lskel, ns", "copied", "one a call", "cilium/ebpf", "libbpf", "floor",
	"to floor", "to cilium/ebpf", "copied, to cilium/ebpf", "to libbpf",
}

// markdownUse writes the table of operations.
func (r *results) markdownUse(w io.Writer) {
	if len(r.Use) == 0 {
		return
	}
	io.WriteString(w, "\n## Events and maps\n\n"+
		"What an agent does once its object is loaded, in ns for one operation: medians, and ratios of the same round. bpf2lskel reads events by `Borrow`; "+
		"\"copied\" is `All`, \"one a call\" is `Read`. cilium/ebpf reads by `ReadInto`, libbpf by a callback. The floor is a loop over the same memory with no checks, or the bare system call. "+
		"But for the rows that are live, in which another process runs the program, a buffer is filled first, and reading it on the same CPU is timed.\n\n")
	row(w, useHead...)
	rule(w, len(useHead))
	for i := range r.Use {
		row(w, r.Use[i].useCells()...)
	}
}

// tableUse prints the table for a terminal.
func (r *results) tableUse(w io.Writer) {
	if len(r.Use) == 0 {
		return
	}
	fmt.Fprint(w, "\nns\tbpf2lskel\tcopied\tone a call\tcilium/ebpf\tlibbpf\tfloor\tto floor\tto cilium/ebpf\tcopied, to cilium/ebpf\tto libbpf\t\n")
	for i := range r.Use {
		for _, cell := range slices.Delete(r.Use[i].useCells(), 1, 2) {
			fmt.Fprintf(w, "%s\t", cell)
		}
		fmt.Fprintln(w)
	}
}

// useTargets are goals for some of the rows.
func (r *results) useTargets() []target {
	var all []target
	for _, t := range []struct {
		row, id, rival, text string
		most                 float64
	}{
		{"ring 48", ours, bottom, "ring buffer record of 48 bytes, borrowed, against a bare loop", 1.3},
		{"ring 48", copied, cilium, "the same, copied, against cilium/ebpf", 0.5},
		{"perf 48", ours, cilium, "perf record of 48 bytes, against cilium/ebpf", 0.9},
		{"lookup", ours, cilium, "lookup, against cilium/ebpf", 0.8},
		{"lookup", ours, bottom, "lookup, against the bare system call", 1.1},
		{"update", ours, cilium, "update, against cilium/ebpf", 0.8},
		{"update", ours, bottom, "update, against the bare system call", 1.1},
		{"per-CPU lookup", ours, cilium, "per-CPU lookup, against cilium/ebpf", 0.45},
		{"iterate", ours, cilium, "iteration, against cilium/ebpf's batch lookup", 1.05},
	} {
		i := slices.IndexFunc(r.Use, func(u useResult) bool { return u.Name == t.row })
		if i < 0 {
			continue
		}
		v := ratio(r.Use[i].Took[t.id], r.Use[i].Took[t.rival])
		if !math.IsNaN(v.Value) {
			all = append(all, target{t.text, t.most, v.Value, v.Low, v.High})
		}
	}
	return all
}
