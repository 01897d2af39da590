package main

import "fmt"

// scaleSizes are the numbers of programs, maps and globals, which grow together.
var scaleSizes = []int{1, 10, 100, 1000}

// scaleObjects are growing objects, and two that are large in one respect.
func scaleObjects() []benchObject {
	var all []benchObject
	for _, n := range scaleSizes {
		all = append(all, benchObject{
			Name: fmt.Sprintf("scale_%d", n), source: "scale/many", cflags: []string{fmt.Sprintf("-DN=%d", n)},
			CORE: true, What: fmt.Sprintf("programs, maps and globals: %d of each", n),
		})
	}
	return append(all,
		benchObject{Name: "records_1000", source: "scale/records", CORE: true, What: "1,000 CO-RE records in a program"},
		benchObject{Name: "rodata_3m", source: "scale/rodata", What: "3 MiB of .rodata"})
}

// growth describes how a figure grows with the size of the object.
type growth struct {
	Title string
	N, Y  []float64
	// All is the exponent over all sizes. From10 leaves out the smallest size, whose time is mostly
	// the fixed cost of a load.
	All, From10 float64
	// PerProgram is the figure for each program at the largest size, relative to that at 10.
	PerProgram float64
}

func grow(title string, n, y []float64) growth {
	g := growth{Title: title, N: n, Y: y, All: exponent(n, y), From10: exponent(n[1:], y[1:])}
	last := len(n) - 1
	g.PerProgram = y[last] / n[last] / (y[1] / n[1])
	return g
}

// growths returns the growth of each figure that was measured for all sizes.
func (r *results) growths() []growth {
	var n, generated, insns, blob []float64
	cold, warm := map[string][]float64{}, map[string][]float64{}
	used := map[string][]float64{}
	for i := range r.Scale {
		o := &r.Scale[i]
		var size int
		if _, err := fmt.Sscanf(o.Name, "scale_%d", &size); err != nil {
			continue
		}
		n = append(n, float64(size))
		generated = append(generated, o.Generated)
		insns = append(insns, o.Insns[ours])
		blob = append(blob, o.Blob[ours])
		for id, s := range o.Cold {
			cold[id] = append(cold[id], median(of(s, wall)))
			used[id] = append(used[id], median(of(s, cpu)))
		}
		for id, s := range o.Warm {
			warm[id] = append(warm[id], median(of(s, wall)))
		}
	}
	if len(n) < 3 {
		return nil
	}
	var all []growth
	for _, p := range peers {
		if len(cold[p.ID]) == len(n) {
			all = append(all, grow(p.Title+", load, cold", n, cold[p.ID]), grow(p.Title+", load, warm", n, warm[p.ID]),
				grow(p.Title+", CPU time, cold", n, used[p.ID]))
		}
	}
	return append(all,
		grow("bpf2lskel, generation", n, generated),
		grow("bpf2lskel, loader instructions", n, insns),
		grow("bpf2lskel, blob bytes", n, blob))
}
