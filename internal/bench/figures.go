package main

import (
	"math"
	"slices"
)

// figure is a number per object and peer. Less is better.
type figure struct {
	File, Title, Unit string
	Peers             []string
	// Value is NaN if there is none.
	Value func(r *results, o *objectResult, id string) float64
	// Note describes the figure in a sentence.
	Note string
}

var figures = []figure{
	{
		File: "cold", Title: "Load, cold", Unit: "ms", Peers: []string{ours, alone, light, cilium, full, bottom},
		Value: func(_ *results, o *objectResult, id string) float64 { return median(of(o.Cold[id], wall)) / 1e6 },
		Note:  "Wall time of the first load of a process.",
	},
	{
		File: "warm", Title: "Load, warm", Unit: "ms", Peers: []string{ours, alone, light, cilium, full, bottom},
		Value: func(_ *results, o *objectResult, id string) float64 { return median(of(o.Warm[id], wall)) / 1e6 },
		Note:  "Wall time of a load in a process that has loaded before. cilium/ebpf keeps the kernel's BTF in memory after the first load.",
	},
	{
		File: "cpu", Title: "CPU time, cold", Unit: "ms", Peers: []string{ours, alone, light, cilium, full, bottom},
		Value: func(_ *results, o *objectResult, id string) float64 { return median(of(o.Cold[id], cpu)) / 1e6 },
		Note:  "Of all threads of the process, user and kernel, during its first load.",
	},
	{
		File: "faults", Title: "Page faults, cold", Unit: "faults", Peers: []string{ours, light, cilium, full},
		Value: func(_ *results, o *objectResult, id string) float64 { return median(of(o.Cold[id], faults)) },
		Note:  "Minor faults of the whole process during its first load, including those for pages of the binary.",
	},
	{
		File: "allocs", Title: "Go allocations", Unit: "allocations", Peers: []string{ours, cilium},
		Value: func(_ *results, o *objectResult, id string) float64 { return lookUp(o.Allocs, id) },
		Note:  "In the first load of a process.",
	},
	{
		File: "bytes", Title: "Go bytes allocated", Unit: "KiB", Peers: []string{ours, cilium},
		Value: func(_ *results, o *objectResult, id string) float64 { return lookUp(o.Bytes, id) / 1024 },
		Note:  "In the first load of a process.",
	},
	{
		File: "memory", Title: "Peak memory", Unit: "KiB", Peers: []string{ours, light, cilium, full},
		Value: func(r *results, o *objectResult, id string) float64 {
			lang := "C"
			if id == ours || id == cilium {
				lang = "Go"
			}
			return lookUp(o.Peak, id) - r.Empty[lang].Peak
		},
		Note: "Peak resident memory of a process that has loaded once, minus the peak of a process in the same language that loads nothing.",
	},
	{
		File: "size", Title: "Size of the binary", Unit: "KiB", Peers: []string{ours, light, cilium, full},
		Value: func(_ *results, o *objectResult, id string) float64 { return lookUp(o.Size, id) / 1024 },
		Note:  "Without symbols. Go binaries are linked statically; libbpf is a shared library.",
	},
	{
		File: "instructions", Title: "Loader instructions", Unit: "instructions", Peers: []string{ours, light},
		Value: func(_ *results, o *objectResult, id string) float64 { return lookUp(o.Insns, id) },
		Note:  "Instructions of the loader program.",
	},
	{
		File: "blob", Title: "Blob", Unit: "KiB", Peers: []string{ours, light},
		Value: func(_ *results, o *objectResult, id string) float64 { return lookUp(o.Blob, id) / 1024 },
		Note:  "The value of the loader's map.",
	},
}

func lookUp(m map[string]float64, id string) float64 {
	if v, ok := m[id]; ok {
		return v
	}
	return math.NaN()
}

// target is a goal for all objects together.
type target struct {
	Text  string
	Most  float64
	Value float64
	Low   float64 // of the interval; Low and High are 0 if there is none
	High  float64
}

// targets compares the measurements with the goals.
func (r *results) targets() []target {
	var all []target
	add := func(text string, most float64, v interval) {
		all = append(all, target{text, most, v.Value, v.Low, v.High})
	}
	one := func(text string, most, v float64) { all = append(all, target{Text: text, Most: most, Value: v}) }

	for _, when := range []string{"cold", "warm"} {
		pick := func(o *objectResult) samples { return o.Cold }
		if when == "warm" {
			pick = func(o *objectResult) samples { return o.Warm }
		}
		add("load, against C's light skeleton, "+when+", geometric mean", 0.67, r.mean(pick, ours, light, nil))
		add("the same with one thread", 0.67, r.mean(pick, alone, light, nil))
		worst, name := r.worst(pick, light)
		one("load, against C's light skeleton, "+when+", worst object, "+name, 0.9, worst)
		if when == "cold" {
			add("load, against cilium/ebpf, cold, CO-RE objects, geometric mean", 0.08, r.mean(pick, ours, cilium, func(o *objectResult) bool { return o.CORE }))
		}
		add("load, against the floor, "+when+", geometric mean", 1.5, r.mean(pick, ours, bottom, nil))
	}
	var insns, allocs, bytes, peak []float64
	for i := range r.Objects {
		o := &r.Objects[i]
		if v := o.Insns[ours] / lookUp(o.Insns, light); !math.IsNaN(v) {
			insns = append(insns, v)
		}
		if v := memoryAbove(r, o, ours) / memoryAbove(r, o, cilium); !math.IsNaN(v) {
			peak = append(peak, v)
		}
	}
	for _, o := range slices.Concat(r.Objects, r.Scale) {
		allocs = append(allocs, o.Allocs[ours])
		bytes = append(bytes, o.Bytes[ours]/1024)
	}
	one("loader instructions, against libbpf's, median", 0.35, median(insns))
	one("Go allocations of a load, largest", 60, quantile(allocs, 1))
	one("Go bytes of a load, largest, KiB", 64, quantile(bytes, 1))
	one("peak memory above an empty Go program, against cilium/ebpf's, median", 0.2, median(peak))
	for _, g := range r.growths() {
		switch g.Title {
		case "bpf2lskel, load, cold", "bpf2lskel, load, warm":
			one("1,000 programs and maps: "+g.Title+", time per program against that at 10", 1.3, g.PerProgram)
			one("exponent: "+g.Title, 1.1, g.From10)
		case "bpf2lskel, generation":
			one("exponent: "+g.Title, 1.1, g.From10)
		}
	}
	return slices.Concat(all, r.refusedTargets(), r.useTargets(), r.compileTargets())
}

func memoryAbove(r *results, o *objectResult, id string) float64 {
	for _, f := range figures {
		if f.File == "memory" {
			return f.Value(r, o, id)
		}
	}
	return math.NaN()
}

// mean returns the geometric mean over objects of a peer's time relative to a rival's.
func (r *results) mean(pick func(*objectResult) samples, id, rival string, which func(*objectResult) bool) interval {
	var sets [][]float64
	for i := range r.Objects {
		o := &r.Objects[i]
		if s := pick(o); len(s[rival]) > 0 && (which == nil || which(o)) {
			sets = append(sets, pairwise(of(s[id], wall), of(s[rival], wall)))
		}
	}
	if len(sets) == 0 {
		return interval{math.NaN(), math.NaN(), math.NaN()}
	}
	return geometricMean(sets)
}

// worst returns the largest of our times relative to a rival's, and its object. It is NaN if the
// rival can load none.
func (r *results) worst(pick func(*objectResult) samples, rival string) (worst float64, name string) {
	worst = math.NaN()
	for _, o := range slices.Concat(r.Objects, r.Scale) {
		s := pick(&o)
		if len(s[rival]) == 0 {
			continue
		}
		if v := ratio(of(s[ours], wall), of(s[rival], wall)).Value; math.IsNaN(worst) || v > worst {
			worst, name = v, o.Name
		}
	}
	return worst, name
}
