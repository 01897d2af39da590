package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	var r runner
	flag.BoolVar(&r.smoke, "smoke", false, "only figures that do not depend on time, against the baseline")
	flag.BoolVar(&r.update, "update", false, "with -smoke: write the baseline")
	flag.StringVar(&r.objects, "objects", "", "comma-separated `names` of objects (default: all)")
	flag.BoolVar(&r.noScale, "noscale", false, "leave out growing objects, generation and compile time")
	flag.BoolVar(&r.noRefused, "norefused", false, "leave out the objects that the kernel refuses")
	flag.BoolVar(&r.noUse, "nouse", false, "leave out the timeline, events, maps and agents")
	flag.BoolVar(&r.onlyGeneration, "generation", false, "only generation and compile time")
	flag.BoolVar(&r.timeline, "timeline", false, "only one load as a timeline: write its plot, and print what benchmarks.md says of it")
	flag.BoolVar(&r.symbols, "symbols", false, "keep symbols in binaries, for profiles")
	flag.Float64Var(&r.effort, "effort", 1, "`factor` for the time spent on each object")
	flag.StringVar(&r.from, "from", "", "report the results in this `file` instead of measuring")
	flag.StringVar(&r.out, "o", "", "`directory` to write benchmarks.md and its plots to (default: none)")
	flag.Parse()
	if err := r.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// runner is a run of the bench.
type runner struct {
	smoke, update, noScale, noRefused, noUse, onlyGeneration, timeline, symbols bool
	objects, from, out                                                          string
	effort                                                                      float64
}

func (r *runner) run(ctx context.Context) error {
	if r.smoke {
		return smoke(ctx, r.update)
	}
	if r.timeline {
		return r.onlyTimeline(ctx)
	}
	res, err := r.results(ctx)
	if err != nil {
		return err
	}
	if err := res.table(os.Stdout); err != nil {
		return err
	}
	if r.out == "" {
		return nil
	}
	return res.write(r.out)
}

// onlyTimeline leaves benchmarks.md alone.
func (r *runner) onlyTimeline(ctx context.Context) error {
	b, err := newBuilder(ctx)
	if err != nil {
		return err
	}
	res := new(results)
	if res.Timelines, err = r.plan().timelines(ctx, b); err != nil {
		return err
	}
	res.markdownTimeline(os.Stdout)
	if r.out == "" {
		return nil
	}
	return res.plotTimelines(filepath.Join(r.out, "benchmarks"))
}

// results measures, or reads earlier measurements.
func (r *runner) results(ctx context.Context) (*results, error) {
	if r.from != "" {
		return loadResults(r.from)
	}
	b, err := newBuilder(ctx)
	if err != nil {
		return nil, err
	}
	b.symbols = r.symbols
	if r.onlyGeneration {
		res := &results{Machine: describeMachine()}
		return res, res.generate(ctx, b)
	}
	pool := benchObjects
	if r.noScale && r.objects != "" { // by name, any may be chosen
		pool = slices.Concat(benchObjects, scaleObjects())
	}
	objects, refused, err := selectObjects(pool, refusedObjects, r.objects)
	if err != nil {
		return nil, err
	}
	if r.noRefused {
		refused = nil
	}
	if !r.noScale {
		objects = append(objects[:len(objects):len(objects)], scaleObjects()...)
	}
	res := &results{Machine: describeMachine(), Empty: map[string]emptyProcess{}}
	say("build %d objects for %d peers", len(objects), len(peers))
	goEmpty, cEmpty, err := b.buildEmpty()
	if err != nil {
		return nil, err
	}
	all, err := buildAll(ctx, b, objects, peers)
	if err != nil {
		return nil, err
	}
	p := r.plan()
	for lang, path := range map[string]string{"Go": goEmpty, "C": cEmpty} {
		if res.Empty[lang], err = emptyOf(ctx, path, p.processes); err != nil {
			return nil, err
		}
	}
	for i, o := range all {
		begin := time.Now()
		measured, err := p.measure(ctx, b, o)
		if err != nil {
			return nil, err
		}
		measured.lightSizes(b)
		isScale := !r.noScale && i >= len(all)-len(scaleObjects())
		if isScale {
			res.Scale = append(res.Scale, *measured)
		} else {
			res.Objects = append(res.Objects, *measured)
		}
		say("%3d/%d %-14s %5.1f s, %d and %d rounds", i+1, len(all), o.Name, time.Since(begin).Seconds(),
			len(measured.Cold[ours]), len(measured.Warm[ours]))
	}
	if res.Refused, err = p.refused(ctx, b, refused); err != nil {
		return nil, err
	}
	if !r.noUse {
		say("timeline")
		if res.Timelines, err = p.timelines(ctx, b); err != nil {
			return nil, err
		}
		if res.Use, err = p.use(ctx, b); err != nil {
			return nil, err
		}
		say("agents")
		if res.Agents, err = p.agents(ctx, b); err != nil {
			return nil, err
		}
	}
	if !r.noScale {
		if err := res.generate(ctx, b); err != nil {
			return nil, err
		}
	}
	return res, res.save(filepath.Join(b.dir, "results.json"))
}

// generate measures both generators, and how long what they write takes to compile.
func (r *results) generate(ctx context.Context, b *builder) error {
	say("generation")
	for _, n := range scaleSizes[1:] {
		g, err := generators(ctx, b, n, 5)
		if err != nil {
			return err
		}
		r.Generation = append(r.Generation, g...)
	}
	say("compile time")
	for _, n := range compileSizes {
		c, err := compilations(ctx, b, n, 5)
		if err != nil {
			return err
		}
		r.Compile = append(r.Compile, c...)
	}
	return nil
}

// plan bounds a whole run to about nine minutes at effort 1.
func (r *runner) plan() plan {
	scaled := func(seconds float64) time.Duration { return time.Duration(r.effort * seconds * float64(time.Second)) }
	return plan{
		cold:      budget{min: 5, max: 100, time: scaled(7)},
		warm:      budget{min: 5, max: 200, time: scaled(3)},
		uses:      budget{min: 5, max: 300, time: scaled(3)},
		refusals:  budget{min: 3, max: 60, time: scaled(4)},
		processes: 5,
		peers:     peers,
	}
}

func emptyOf(ctx context.Context, path string, n int) (emptyProcess, error) {
	info, err := os.Stat(path)
	if err != nil {
		return emptyProcess{}, err
	}
	peak, err := peakOf(ctx, path, n)
	return emptyProcess{Peak: peak, Size: float64(info.Size())}, err
}

// say reports progress.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
