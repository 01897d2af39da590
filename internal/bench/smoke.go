package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// baselineFile has the figures that must not grow.
const baselineFile = "internal/bench/baseline.json"

// baseline holds figures that depend only on the object and the project.
type baseline struct {
	// Clang and Go are the versions that the figures are for: another compiler makes other objects.
	Clang, Go string
	Objects   map[string]fixed
}

// fixed holds the figures of an object that do not depend on time.
type fixed struct {
	Insns  int // of the loader
	Blob   int // bytes
	Allocs int // of a first load on one thread: starting threads may allocate
	Bytes  int // allocated by these
}

// smoke compares the figures with the baseline, or writes it. Then each peer loads an object, to
// check that the bench itself works.
func smoke(ctx context.Context, update bool) error {
	b, err := newBuilder(ctx)
	if err != nil {
		return err
	}
	all, err := buildAll(ctx, b, benchObjects, peers[:2])
	if err != nil {
		return err
	}
	now := baseline{Clang: firstLine(output("clang", "--version")), Go: describeGo(), Objects: map[string]fixed{}}
	for _, o := range all {
		count, bytes, err := leastAllocations(ctx, o.binaries[alone], 7)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Name, err)
		}
		now.Objects[o.Name] = fixed{len(o.Spec.Loader) / 8, len(o.Spec.Blob), int(count), int(bytes)}
	}
	path := filepath.Join(b.root, baselineFile)
	if update {
		return now.save(path)
	}
	before, err := loadBaseline(path)
	if err != nil {
		return err
	}
	if grown := now.compare(before); grown > 0 {
		return fmt.Errorf("%d figures have grown; if that is intended, run make bench SMOKE=1 BENCHFLAGS=-update", grown)
	}
	say("%d objects: nothing has grown", len(all))
	return smokeRound(ctx, b)
}

// smokeRound loads one object with all peers, cold and warm, and discards the figures.
func smokeRound(ctx context.Context, b *builder) error {
	objects, _, err := selectObjects(benchObjects, nil, "execsnoop")
	if err != nil {
		return err
	}
	all, err := buildAll(ctx, b, objects, peers)
	if err != nil {
		return err
	}
	p := plan{cold: budget{min: 2, max: 2}, warm: budget{min: 2, max: 2}, processes: 1, peers: peers}
	r, err := p.measure(ctx, b, all[0])
	if err != nil {
		return err
	}
	for id, why := range r.Missing {
		return fmt.Errorf("%s cannot load %s: %s", title(id), r.Name, why)
	}
	return nil
}

// compare prints which figures have grown, and returns their number.
func (now baseline) compare(before baseline) int {
	sameObjects := now.Clang == before.Clang
	if !sameObjects {
		say("the baseline was made with %s, this is %s: instructions and bytes of blobs are not compared", before.Clang, now.Clang)
	}
	sameGo := now.Go == before.Go
	if !sameGo {
		say("the baseline was made with %s, this is %s: allocations are not compared", before.Go, now.Go)
	}
	grown := 0
	for _, name := range sortedKeys(now.Objects) {
		is := now.Objects[name]
		was, ok := before.Objects[name]
		if !ok {
			say("%-14s not in the baseline", name)
			grown++
			continue
		}
		for _, f := range []struct {
			what     string
			is, was  int
			compared bool
		}{
			{"loader instructions", is.Insns, was.Insns, sameObjects},
			{"bytes of blob", is.Blob, was.Blob, sameObjects},
			{"allocations", is.Allocs, was.Allocs, sameGo},
			{"bytes allocated", is.Bytes, was.Bytes, sameGo},
		} {
			if f.compared && f.is != f.was {
				say("%-14s %s: %d, were %d", name, f.what, f.is, f.was)
			}
			if f.compared && f.is > f.was {
				grown++
			}
		}
	}
	return grown
}

func (now baseline) save(path string) error {
	text, err := json.MarshalIndent(now, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func loadBaseline(path string) (baseline, error) {
	var b baseline
	text, err := os.ReadFile(path)
	if err != nil {
		return b, err
	}
	return b, json.Unmarshal(text, &b)
}
