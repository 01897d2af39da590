package main

import (
	"fmt"
	"io"
	"strings"
)

const preface = `# Benchmarks

Written by ` + "`make bench`" + `, which measures anew. %s

Peers, each loading the same object on the same kernel in the same run:

- **bpf2lskel**: the generated package's Load. Large objects are loaded by several threads, one for each CPU, up to four.
- **bpf2lskel, one thread**: the same in a process that has one CPU for Go, GOMAXPROCS=1.
- **C light skeleton**: ` + "`bpftool gen skeleton -L`" + `, gcc -O2. It has at most 32 programs and 64 maps.
- **cilium/ebpf**: LoadCollectionSpecFromReader and NewCollection, as bpf2go's code does.
- **libbpf**: ` + "`bpftool gen skeleton`" + `, gcc -O2, linked with libbpf.
- **floor**: the bpf calls that the object needs and nothing else, made directly, all that can be resolved being resolved
  beforehand. CO-RE is applied by the kernel, as part of BPF_PROG_LOAD. Global data is not mapped.

Cold is the first load of a process, timed inside it, around the load; warm is a later one of a process that lives on. In each
round all peers load in random order. Ratios are medians over the rounds of our time in terms of the peer's,
with a 95 %% confidence interval from a bootstrap over rounds. Spreads are quartiles. Geometric means leave out the last rows of a
table, objects that are made by repetition (scale, records, rodata); the worst object may be any.

`

// markdown writes benchmarks.md.
func (r *results) markdown(w io.Writer) {
	m := r.Machine
	where := fmt.Sprintf("Measured on %d CPUs (%s), %s of memory, %s; ", m.CPUs, m.CPU, m.Memory, m.Kernel)
	var versions []string
	for _, v := range m.Versions {
		versions = append(versions, v[0]+" "+strings.TrimPrefix(v[1], v[0]+" "))
	}
	fmt.Fprintf(w, preface, where+strings.Join(versions, ", ")+".")

	fmt.Fprint(w, "## Targets\n\n")
	row(w, "", "at most", "measured", "")
	rule(w, 4)
	for _, t := range r.targets() {
		met := "met"
		if !t.met() {
			met = "**missed**"
		}
		row(w, t.Text, fmt.Sprintf("%g", t.Most), t.value(), met)
	}

	fmt.Fprint(w, "\n## Objects\n\n")
	row(w, "object", "", "programs", "maps", "CO-RE records", "rounds, cold and warm")
	rule(w, 6)
	for _, o := range r.all() {
		row(w, o.Name, o.What, fmt.Sprint(o.Programs), fmt.Sprint(o.Maps), fmt.Sprint(o.Records),
			fmt.Sprintf("%d and %d", len(o.Cold[ours]), len(o.Warm[ours])))
	}
	r.markdownMissing(w)

	for _, when := range []string{"cold", "warm"} {
		fmt.Fprintf(w, "\n## Time of a load in terms of the peer's, %s\n\n", when)
		head := []string{"object"}
		for _, p := range rivals() {
			head = append(head, p.Title)
		}
		row(w, head...)
		rule(w, len(head))
		for _, o := range r.all() {
			cells := []string{o.Name}
			for _, p := range rivals() {
				cells = append(cells, o.ratioText(when, p.ID))
			}
			row(w, cells...)
		}
	}
	for _, f := range figures {
		r.markdownFigure(w, f)
	}
	r.markdownTimeline(w)
	r.markdownRefused(w)
	r.markdownUse(w)
	r.markdownAgents(w)
	r.markdownScale(w)
	r.markdownGeneration(w)
	r.markdownCompile(w)
}

func (r *results) markdownMissing(w io.Writer) {
	first := true
	for _, o := range r.all() {
		for _, p := range rivals() {
			if why := o.Missing[p.ID]; why != "" {
				if first {
					fmt.Fprint(w, "\nWhat a peer cannot load:\n\n")
					first = false
				}
				fmt.Fprintf(w, "- %s, %s: %s\n", p.Title, o.Name, why)
			}
		}
	}
}

func (r *results) markdownFigure(w io.Writer, f figure) {
	fmt.Fprintf(w, "\n## %s\n\n%s In %s.\n\n![%s](benchmarks/%s.svg)\n\n", f.Title, f.Note, f.Unit, f.Title, f.File)
	head := []string{"object"}
	for _, id := range f.Peers {
		head = append(head, title(id))
	}
	row(w, head...)
	rule(w, len(head))
	for _, o := range r.all() {
		cells := []string{o.Name}
		for _, id := range f.Peers {
			cells = append(cells, number(f.Value(r, o, id))+o.spread(f, id))
		}
		row(w, cells...)
	}
}

// spread returns the quartiles of figures that are times.
func (o *objectResult) spread(f figure, id string) string {
	var values []float64
	switch f.File {
	case "cold":
		values = of(o.Cold[id], wall)
	case "warm":
		values = of(o.Warm[id], wall)
	case "cpu":
		values = of(o.Cold[id], cpu)
	}
	if len(values) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s-%s)", number(quantile(values, 0.25)/1e6), number(quantile(values, 0.75)/1e6))
}

func (r *results) markdownScale(w io.Writer) {
	growths := r.growths()
	if len(growths) == 0 {
		return
	}
	fmt.Fprint(w, "\n## Scale\n\n"+
		"Objects of 1, 10, 100 and 1,000 programs, as many maps and as many globals. An exponent of 1 is linear growth; fitted over all sizes, "+
		"and from 10 on, where less of the time is what any load takes.\n\n![Scale](benchmarks/scale.svg)\n\n")
	row(w, "figure", "exponent", "from 10 on", "per program at 1,000, against 10")
	rule(w, 4)
	for _, g := range growths {
		row(w, g.Title, number(g.All), number(g.From10), number(g.PerProgram))
	}
}

func (r *results) markdownGeneration(w io.Writer) {
	if len(r.Generation) == 0 {
		return
	}
	fmt.Fprint(w, "\n## Generation\n\n"+
		"The commands on the same compiled objects, with a compiler that only copies; clang by itself beside them.\n\n")
	row(w, "programs, maps, globals", "command", "wall, s", "CPU, s", "peak memory, MiB")
	rule(w, 5)
	for _, g := range r.Generation {
		row(w, fmt.Sprint(g.N), g.What, number(median(g.Wall)/1e9), number(median(g.CPU)/1e9), number(median(g.Peak)/1024))
	}
}

func row(w io.Writer, cells ...string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

func rule(w io.Writer, n int) {
	fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", n))
}
