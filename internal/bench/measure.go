package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"github.com/bpf2lskel/bpf2lskel/codegen"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// plan determines what to measure, and for how long.
type plan struct {
	cold, warm budget
	refusals   budget // cold ones
	uses       budget // of events and maps
	// processes is the number of processes for figures that hardly vary.
	processes int
	peers     []peer
}

// built is an object with the binaries of the peers that can load it.
type built struct {
	*subject
	binaries map[string]string
	missing  map[string]string
}

// buildAll prepares objects and builds all binaries.
func buildAll(ctx context.Context, b *builder, objects []benchObject, peers []peer) ([]*built, error) {
	var all []*built
	for _, o := range objects {
		s, err := o.prepare(ctx)
		if err != nil {
			return nil, err
		}
		ready := &built{subject: s, binaries: map[string]string{}, missing: map[string]string{}}
		for _, p := range peers {
			path, err := p.build(b, s)
			switch {
			case err != nil && p.ID == ours:
				return nil, err
			case err != nil:
				ready.missing[p.ID] = b.reason(err)
			default:
				ready.binaries[p.ID] = path
			}
		}
		all = append(all, ready)
	}
	return all, b.compileGo()
}

// try finds out which peers can load an object at all. Ours must.
func (o *built) try(ctx context.Context, b *builder) error {
	for id, path := range o.binaries {
		p, err := start(ctx, path)
		if err == nil {
			_, err = p.load()
			p.stop()
		}
		if err != nil {
			if id == ours {
				return fmt.Errorf("%s: %w", o.Name, err)
			}
			delete(o.binaries, id)
			o.missing[id] = b.reason(err)
		}
	}
	return nil
}

// measure measures all figures of an object.
func (p plan) measure(ctx context.Context, b *builder, o *built) (*objectResult, error) {
	if err := o.try(ctx, b); err != nil {
		return nil, err
	}
	r := &objectResult{
		Name: o.Name, What: o.What, CORE: o.CORE, Missing: o.missing,
		Maps: len(o.Obj.Maps), Programs: len(o.Obj.Programs), Records: o.records(), Steps: len(o.Spec.Steps),
		Insns: map[string]float64{}, Blob: map[string]float64{},
		Allocs: map[string]float64{}, Bytes: map[string]float64{},
		Peak: map[string]float64{}, Size: map[string]float64{},
	}
	r.Insns[ours] = float64(len(o.Spec.Loader) / 8)
	r.Blob[ours] = float64(len(o.Spec.Blob))
	for _, peer := range p.peers {
		path := o.binaries[peer.ID]
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if peer.ID != bottom && peer.ID != alone {
			r.Size[peer.ID] = float64(info.Size())
			if r.Peak[peer.ID], err = peakOf(ctx, path, p.processes); err != nil {
				return nil, err
			}
		}
		if peer.Go && peer.ID != bottom && peer.ID != alone {
			if r.Allocs[peer.ID], r.Bytes[peer.ID], err = allocations(ctx, path, p.processes); err != nil {
				return nil, err
			}
		}
	}
	var err error
	if r.Cold, err = cold(ctx, p.cold, o.binaries); err != nil {
		return nil, err
	}
	if r.Warm, err = warm(ctx, p.warm, o.binaries); err != nil {
		return nil, err
	}
	r.Generated, err = generationTime(o.Path)
	return r, err
}

var (
	lightInsns = regexp.MustCompile(`insns_sz = (\d+);`)
	lightBlob  = regexp.MustCompile(`data_sz = (\d+);`)
)

// lightSizes reads the sizes of libbpf's loader from the light skeleton.
func (o *objectResult) lightSizes(b *builder) {
	text, err := os.ReadFile(b.path(fmt.Sprintf("c/%s_%s.h", light, o.Name)))
	if err != nil || o.Missing[light] != "" {
		return
	}
	if m := lightInsns.FindSubmatch(text); m != nil {
		n, _ := strconv.ParseFloat(string(m[1]), 64)
		o.Insns[light] = n / 8
	}
	if m := lightBlob.FindSubmatch(text); m != nil {
		o.Blob[light], _ = strconv.ParseFloat(string(m[1]), 64)
	}
}

// generationTime returns the time to read an object and generate its package, in memory.
func generationTime(path string) (float64, error) {
	var times []float64
	for range 3 {
		begin := time.Now()
		obj, err := object.Read(path)
		if err != nil {
			return 0, err
		}
		spec, err := loader.Generate(obj, loader.Options{})
		if err != nil {
			return 0, err
		}
		if _, err := codegen.Generate(obj, spec, codegen.Options{
			Package: "skel", Stem: "skel", Suffix: "native", GOARCH: []string{runtime.GOARCH},
		}); err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(begin).Nanoseconds()))
	}
	return median(times), nil
}
