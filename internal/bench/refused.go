package main

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/bpf2lskel/bpf2lskel/codegen"
)

// A refused load must be cheap, since it is often repeated: by a supervisor in a loop, or by
// somebody who looks for the reason. Peers are ours and cilium/ebpf. Each formats its error with %v
// and %+v, which is when it takes memory.

// refusedObjects are objects that the kernel refuses.
var refusedObjects = []refusedObject{
	{benchObject: benchObject{Name: "agent_25", source: "bench_agent", What: "the 25th of 29 programs"}, program: 25},
	{benchObject: benchObject{Name: "agent_1", source: "bench_agent", What: "the first of 29 programs"}, program: 1},
	{benchObject: benchObject{Name: "long", source: "refused/long", What: "a program after 400,000 verified instructions, whose log is over 100 MB"}},
	{benchObject: benchObject{Name: "small", source: "refused_verifier", What: "the second of two programs"}},
	{benchObject: benchObject{Name: "map", source: "refused_map", What: "the second of two maps"}},
	{benchObject: benchObject{Name: "maps", source: "refused/maps", What: "the 17th of 33 maps"}},
	{benchObject: benchObject{Name: "field", source: "refused_core", What: "the last of seven programs: the kernel lacks a field"}},
}

// refusedObject is an object that the kernel refuses, as it is or because one of its programs is
// spoiled.
type refusedObject struct {
	benchObject
	program int // the program to spoil, from 1; 0: the source is refused as it is
}

// refusedResult is the measurement of a refused object.
type refusedResult struct {
	Name, What string
	Cold       samples
}

// refusedPeers are the peers of refused loads.
var refusedPeers = []string{ours, cilium}

// refused measures refused loads.
func (p plan) refused(ctx context.Context, b *builder, objects []refusedObject) ([]refusedResult, error) {
	binaries := make([]map[string]string, len(objects))
	for i, o := range objects {
		s, err := o.prepare(ctx, b)
		if err != nil {
			return nil, err
		}
		binaries[i] = map[string]string{}
		for _, id := range refusedPeers {
			if binaries[i][id], err = b.buildRefused(s, id); err != nil {
				return nil, err
			}
		}
	}
	if err := b.compileGo(); err != nil {
		return nil, err
	}
	var all []refusedResult
	for i, o := range objects {
		begin := time.Now()
		r := refusedResult{Name: o.Name, What: o.What}
		var err error
		if r.Cold, err = cold(ctx, p.refusals, binaries[i]); err != nil {
			return nil, err
		}
		say("%3d/%d refused %-9s %5.1f s, %d rounds", i+1, len(objects), o.Name, time.Since(begin).Seconds(), len(r.Cold[ours]))
		all = append(all, r)
	}
	return all, nil
}

// prepare compiles an object, spoils its program, and makes its loader.
func (o refusedObject) prepare(ctx context.Context, b *builder) (*subject, error) {
	s, err := o.benchObject.prepare(ctx)
	if err != nil || o.program == 0 {
		return s, err
	}
	raw, err := os.ReadFile(s.Path)
	if err != nil {
		return nil, err
	}
	if err := spoil(raw, s.Obj.Programs[o.program-1].Name); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	name := "refused/" + o.Name + ".bpf.o"
	if err := b.write(name, string(raw)); err != nil {
		return nil, err
	}
	return read(o.benchObject, b.path(name))
}

// spoil makes the kernel refuse a program of an ELF object when the verifier reaches its last
// helper call: no helper has the new number.
func spoil(raw []byte, program string) error {
	f, err := elf.NewFile(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	symbols, err := f.Symbols()
	if err != nil {
		return err
	}
	for _, sym := range symbols {
		if sym.Name != program || elf.ST_TYPE(sym.Info) != elf.STT_FUNC {
			continue
		}
		insns := raw[f.Sections[sym.Section].Offset+sym.Value:][:sym.Size]
		for at := len(insns) - 8; at >= 0; at -= 8 {
			const opCall = 0x85
			if insns[at] == opCall && insns[at+1] == 0 { // a helper: no registers
				f.ByteOrder.PutUint32(insns[at+4:], math.MaxInt16)
				return nil
			}
		}
		return fmt.Errorf("program %s calls no helper", program)
	}
	return fmt.Errorf("no program %s", program)
}

// buildRefused writes a main package whose load is refused, and which formats the error.
func (b *builder) buildRefused(s *subject, id string) (string, error) {
	name := "go/refused_" + id + "_" + s.Name
	if id == cilium {
		elf, err := os.ReadFile(s.Path)
		if err != nil {
			return "", err
		}
		if err := b.stripped(name+"/object.o", elf); err != nil {
			return "", err
		}
		return b.goMain(name, header+fmt.Sprintf(`import (
	"bytes"
	_ "embed"

	"github.com/cilium/ebpf"

	"%[1]s/probe"
	"%[1]s/refusal"
)

//go:embed object.o
var object []byte

func main() {
	probe.Main(refusal.Of[*ebpf.VerifierError](func() error {
		spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
		if err != nil {
			panic(err)
		}
		_, err = ebpf.NewCollection(spec)
		return err
	}))
}
`, module))
	}
	files, err := codegen.Generate(s.Obj, s.Spec, codegen.Options{
		Package: "skel", Stem: "skel", Suffix: "native", GOARCH: []string{runtime.GOARCH},
	})
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if err := b.write(name+"/skel/"+f.Name, string(f.Data)); err != nil {
			return "", err
		}
	}
	return b.goMain(name, header+fmt.Sprintf(`import (
	"github.com/bpf2lskel/bpf2lskel/runtime"

	"%[1]s/probe"
	"%[1]s/refusal"
	"%[1]s/%[2]s/%[3]s/skel"
)

func main() {
	probe.Main(refusal.Of[*runtime.LoadError](func() error {
		_, err := skel.Load()
		return err
	}))
}
`, module, workDir, name))
}

// peak returns the peak memory of a peer's process above that of an empty one, in MiB: the median
// over rounds.
func (r *refusedResult) peak(empty emptyProcess, id string) float64 {
	return (median(of(r.Cold[id], peak)) - empty.Peak) / 1024
}

// refusedTargets are goals for the worst of all refused loads.
func (r *results) refusedTargets() []target {
	if len(r.Refused) == 0 {
		return nil
	}
	slowest := target{Most: 1.2, Value: math.Inf(-1)}
	largest := target{Most: 32, Value: math.Inf(-1)}
	for i := range r.Refused {
		o := &r.Refused[i]
		if v := ratio(of(o.Cold[ours], wall), of(o.Cold[cilium], wall)); v.Value > slowest.Value {
			slowest.Text = "refused load, against cilium/ebpf, worst object, " + o.Name
			slowest.Value, slowest.Low, slowest.High = v.Value, v.Low, v.High
		}
		if v := o.peak(r.Empty["Go"], ours); v > largest.Value {
			largest.Text = "peak memory of a refused load above an empty Go program, MiB, largest, " + o.Name
			largest.Value = v
		}
	}
	return []target{slowest, largest}
}

// markdownRefused writes the table of refused loads.
func (r *results) markdownRefused(w io.Writer) {
	if len(r.Refused) == 0 {
		return
	}
	io.WriteString(w, "\n## Refused loads\n\n"+
		"Loads that the kernel refuses, cold, including the formatting of the error with `%v` and with `%+v` (of cilium/ebpf's VerifierError, if there is one). "+
		"Each peer handles the verifier's log in its default way. cilium/ebpf creates maps and loads programs in the order of a Go map, "+
		"which varies: spreads are quartiles. Memory is the peak of the process, minus the peak of a Go program that loads nothing.\n\n")
	row(w, "object", "refused", "time, ratio", "bpf2lskel, ms", "cilium/ebpf, ms", "bpf2lskel, MiB", "cilium/ebpf, MiB", "rounds")
	rule(w, 8)
	for i := range r.Refused {
		row(w, r.Refused[i].cells(r.Empty["Go"])...)
	}
}

// cells returns an object's row in the table of refused loads.
func (r *refusedResult) cells(empty emptyProcess) []string {
	v := ratio(of(r.Cold[ours], wall), of(r.Cold[cilium], wall))
	cells := []string{r.Name, r.What, fmt.Sprintf("%s (%s-%s)", number(v.Value), number(v.Low), number(v.High))}
	for _, id := range refusedPeers {
		t := of(r.Cold[id], wall)
		cells = append(cells, fmt.Sprintf("%s (%s-%s)", number(median(t)/1e6), number(quantile(t, 0.25)/1e6), number(quantile(t, 0.75)/1e6)))
	}
	for _, id := range refusedPeers {
		cells = append(cells, number(r.peak(empty, id)))
	}
	return append(cells, fmt.Sprint(len(r.Cold[ours])))
}

// tableRefused prints the refused loads for a terminal.
func (r *results) tableRefused(w io.Writer) {
	if len(r.Refused) == 0 {
		return
	}
	fmt.Fprint(w, "\nrefused\tratio\tbpf2lskel, ms\tcilium/ebpf, ms\tbpf2lskel, MiB\tcilium/ebpf, MiB\t\n")
	for i := range r.Refused {
		cells := r.Refused[i].cells(r.Empty["Go"])
		fmt.Fprint(w, strings.Join(slices.Concat(cells[:1], cells[2:7]), "\t")+"\t\n")
	}
}
