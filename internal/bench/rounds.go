package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// samples maps a peer to its samples of an object, one for each round.
type samples map[string][]sample

// budget limits the time for measuring an object: it gets as many rounds as fit, within limits.
type budget struct {
	min, max int
	time     time.Duration
}

// rounds calls f for each round with the peers in random order.
func (b budget) rounds(ids []string, f func(ids []string) error) error {
	// Each run uses the same order, so it does not explain a difference between two runs.
	r := rand.New(rand.NewPCG(1, 2))
	ids = slices.Clone(ids)
	start := time.Now()
	for n := 0; n < b.max && (n < b.min || time.Since(start) < b.time); n++ {
		r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		if err := f(ids); err != nil {
			return err
		}
	}
	return nil
}

// cold measures first loads, each in a new process.
func cold(ctx context.Context, b budget, binaries map[string]string) (samples, error) {
	all := samples{}
	err := b.rounds(sortedKeys(binaries), func(ids []string) error {
		for _, id := range ids {
			p, err := start(ctx, binaries[id])
			if err != nil {
				return err
			}
			s, err := p.load()
			if stopped := p.stop(); err == nil {
				err = stopped
			}
			if err != nil {
				return err
			}
			all[id] = append(all[id], s)
		}
		return nil
	})
	return all, err
}

// warmUp is the number of loads of a process before its loads count as warm.
const warmUp = 3

// warm measures later loads of long-running processes.
func warm(ctx context.Context, b budget, binaries map[string]string) (samples, error) {
	processes := map[string]*process{}
	defer func() {
		for _, p := range processes {
			p.stop()
		}
	}()
	for id, path := range binaries {
		p, err := start(ctx, path)
		if err != nil {
			return nil, err
		}
		processes[id] = p
		for range warmUp {
			if _, err := p.load(); err != nil {
				return nil, err
			}
		}
	}
	all := samples{}
	err := b.rounds(sortedKeys(binaries), func(ids []string) error {
		for _, id := range ids {
			s, err := processes[id].load()
			if err != nil {
				return err
			}
			all[id] = append(all[id], s)
		}
		return nil
	})
	return all, err
}

// allocations returns the allocations of a first load: the median of n processes.
func allocations(ctx context.Context, path string, n int) (count, bytes float64, err error) {
	counts, sizes, err := eachAllocations(ctx, path, n)
	if err != nil {
		return 0, 0, err
	}
	return median(counts), median(sizes), nil
}

// leastAllocations returns the minimum of n processes: in some, Go's own threads add to it.
func leastAllocations(ctx context.Context, path string, n int) (count, bytes float64, err error) {
	counts, sizes, err := eachAllocations(ctx, path, n)
	if err != nil {
		return 0, 0, err
	}
	return slices.Min(counts), slices.Min(sizes), nil
}

func eachAllocations(ctx context.Context, path string, n int) (counts, sizes []float64, err error) {
	for range n {
		p, err := start(ctx, path)
		if err != nil {
			return nil, nil, err
		}
		c, b, err := p.allocs()
		p.stop()
		if err != nil {
			return nil, nil, err
		}
		counts, sizes = append(counts, c), append(sizes, b)
	}
	return counts, sizes, nil
}

// peakOf returns the peak resident memory of a process that has loaded once, in KiB.
func peakOf(ctx context.Context, path string, n int) (float64, error) {
	var peaks []float64
	for range n {
		p, err := start(ctx, path)
		if err != nil {
			return 0, err
		}
		s, err := p.load()
		p.stop()
		if err != nil {
			return 0, err
		}
		peaks = append(peaks, s.Peak)
	}
	return median(peaks), nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
