package main

import (
	"cmp"
	"context"
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	bpf "github.com/bpf2lskel/bpf2lskel/runtime"
)

// The system calls of one load, by peer. A BPF program records when they begin and end
// (testdata/trace), since strace would stop the process at each of them and show its own overhead.

const (
	timelineObject = "opensnoop"
	timelineRounds = 11
)

// timelinePeers are the rows, from the top.
var timelinePeers = []string{ours, light, full, cilium}

// Kinds of calls. Calls of no kind, such as waiting for another thread, are not shown.
const (
	callRun    = "run the loader"
	callMap    = "create a map"
	callProg   = "load a program"
	callBTF    = "load BTF"
	callBPF    = "other bpf calls"
	callFiles  = "read files"
	callMemory = "map memory"
)

// callKinds are all kinds in the order of the legend.
var callKinds = []struct {
	Kind  string
	Color color.Color
}{
	{callRun, color.RGBA{0xd5, 0x5e, 0x00, 0xff}},
	{callProg, color.RGBA{0x00, 0x72, 0xb2, 0xff}},
	{callMap, color.RGBA{0x56, 0xb4, 0xe9, 0xff}},
	{callBTF, color.RGBA{0x00, 0x9e, 0x73, 0xff}},
	{callBPF, color.RGBA{0xcc, 0x79, 0xa7, 0xff}},
	{callFiles, color.RGBA{0xf0, 0xe4, 0x42, 0xff}},
	{callMemory, color.RGBA{0xe6, 0x9f, 0x00, 0xff}},
}

// timeline is one load, the median of several by duration.
type timeline struct {
	ID    string // of the peer
	Took  float64
	Calls []timelineCall
}

// timelineCall is a system call, or several of one kind less than 0.01 ms apart. Times are in ns
// since the load began.
type timelineCall struct {
	Kind       string
	Begin, End float64
}

// syscallEvent is struct event of testdata/trace/syscalls.bpf.c.
type syscallEvent struct {
	NS            uint64
	TID           uint32
	Number        int32 // -1 when a call returns
	Arg, Reserved uint32
}

// timelines traces one object.
func (p plan) timelines(ctx context.Context, b *builder) ([]timeline, error) {
	i := slices.IndexFunc(benchObjects, func(o benchObject) bool { return o.Name == timelineObject })
	s, err := benchObjects[i].prepare(ctx)
	if err != nil {
		return nil, err
	}
	paths := map[string]string{}
	for _, peer := range peers {
		if slices.Contains(timelinePeers, peer.ID) {
			if paths[peer.ID], err = peer.build(b, s); err != nil {
				return nil, err
			}
		}
	}
	if err := b.compileGo(); err != nil {
		return nil, err
	}
	tracer, err := newTracer(ctx)
	if err != nil {
		return nil, err
	}
	defer tracer.Close()
	rounds := map[string][]timeline{}
	for range timelineRounds {
		for _, id := range timelinePeers {
			t, err := tracer.trace(ctx, id, paths[id])
			if err != nil {
				return nil, err
			}
			rounds[id] = append(rounds[id], t)
		}
	}
	var all []timeline
	for _, id := range timelinePeers {
		slices.SortFunc(rounds[id], func(a, b timeline) int { return cmp.Compare(a.Took, b.Took) })
		all = append(all, rounds[id][timelineRounds/2])
	}
	return all, nil
}

// tracer records the system calls of one process at a time.
type tracer struct {
	object *bpf.Skeleton
	traced *bpf.ArrayMap[uint32]
	events *bpf.RingBufReader[syscallEvent]
	links  []io.Closer
}

func newTracer(ctx context.Context) (t *tracer, err error) {
	path, err := testobj.Build(ctx, "trace/syscalls", testobj.Options{})
	if err != nil {
		return nil, err
	}
	spec, err := loader.ReadFile(path, loader.Options{})
	if err != nil {
		return nil, err
	}
	t = new(tracer)
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	if t.object, err = bpf.Load(spec, nil); err != nil {
		return nil, err
	}
	if t.traced, err = bpf.TypedMap(t.object.MapByName("traced"), bpf.NewArrayMap[uint32]); err != nil {
		return nil, err
	}
	ring, err := bpf.TypedMap(t.object.MapByName("events"), bpf.NewRingBuf[syscallEvent])
	if err != nil {
		return nil, err
	}
	if t.events, err = ring.Reader(); err != nil {
		return nil, err
	}
	for program, tracepoint := range map[string]string{"enter": "sys_enter", "leave": "sys_exit"} {
		link, err := bpf.NewRawTracepointProgram(t.object.ProgramByName(program)).AttachRawTracepoint(tracepoint, nil)
		if err != nil {
			return nil, err
		}
		t.links = append(t.links, link)
	}
	return t, nil
}

func (t *tracer) Close() {
	for _, link := range t.links {
		_ = link.Close()
	}
	if t.events != nil {
		_ = t.events.Close()
	}
	if t.object != nil {
		_ = t.object.Close()
	}
}

// trace makes a new process load once.
func (t *tracer) trace(ctx context.Context, id, path string) (timeline, error) {
	process, err := start(ctx, path)
	if err != nil {
		return timeline{}, err
	}
	defer process.stop()
	time.Sleep(10 * time.Millisecond) // let the Go runtime finish starting
	if err := t.traced.Update(0, uint32(process.cmd.Process.Pid), bpf.Any); err != nil {
		return timeline{}, err
	}
	_, err = process.load()
	if err := t.traced.Update(0, 0, bpf.Any); err != nil {
		return timeline{}, err
	}
	if err != nil {
		return timeline{}, err
	}
	var events []syscallEvent
	there := t.events.Consume()
	for e := range there.All() {
		events = append(events, e)
	}
	if err := there.Err(); err != nil {
		return timeline{}, err
	}
	return timelineOf(id, events)
}

// timelineOf converts recorded events to a timeline. A load is what a process does between two
// calls of getrusage.
func timelineOf(id string, events []syscallEvent) (timeline, error) {
	slices.SortStableFunc(events, func(a, b syscallEvent) int { return cmp.Compare(a.NS, b.NS) })
	type open struct {
		syscallEvent
		is bool
	}
	var first, last uint64
	entered := map[uint32]open{} // by thread
	var calls []timelineCall
	for _, e := range events {
		if e.Number >= 0 {
			if e.Number == unix.SYS_GETRUSAGE && first != 0 && last == 0 {
				last = e.NS
			}
			entered[e.TID] = open{e, true}
			continue
		}
		call := entered[e.TID]
		delete(entered, e.TID)
		if !call.is {
			continue // entered before tracing began
		}
		if call.Number == unix.SYS_GETRUSAGE && first == 0 {
			first = e.NS
		}
		if kind := callKind(call.syscallEvent); kind != "" && first != 0 && last == 0 {
			calls = append(calls, timelineCall{kind, float64(call.NS), float64(e.NS)})
		}
	}
	if first == 0 || last == 0 {
		return timeline{}, fmt.Errorf("timeline of %s: no load among %d events", id, len(events))
	}
	slices.SortStableFunc(calls, func(a, b timelineCall) int { return cmp.Compare(a.Begin, b.Begin) })
	t := timeline{ID: id, Took: float64(last - first)}
	for _, c := range calls {
		if c.Begin -= float64(first); c.Begin < 0 { // on another thread
			continue
		}
		c.End -= float64(first)
		if n := len(t.Calls); n > 0 && t.Calls[n-1].Kind == c.Kind && c.Begin >= t.Calls[n-1].End && c.Begin-t.Calls[n-1].End < 10_000 {
			t.Calls[n-1].End = c.End
			continue
		}
		t.Calls = append(t.Calls, c)
	}
	return t, nil
}

// callKind returns the kind of a system call, or "" if it is not shown.
func callKind(e syscallEvent) string {
	switch e.Number {
	case unix.SYS_BPF:
		switch sys.Cmd(e.Arg) {
		case sys.CmdProgRun:
			return callRun
		case sys.CmdProgLoad:
			return callProg
		case sys.CmdMapCreate:
			return callMap
		case sys.CmdBtfLoad:
			return callBTF
		}
		return callBPF
	case unix.SYS_OPENAT, unix.SYS_READ, unix.SYS_PREAD64, unix.SYS_FSTAT, unix.SYS_LSEEK, unix.SYS_GETDENTS64, unix.SYS_READLINKAT:
		return callFiles
	case unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_BRK, unix.SYS_MADVISE, unix.SYS_MPROTECT:
		return callMemory
	}
	return ""
}

// plotTimelines draws the timelines below each other on one axis.
func plotTimelines(all []timeline, path string) error {
	if len(all) == 0 {
		return nil
	}
	p := plot.New()
	p.Title.Text = "One load of " + timelineObject + ", the first of a process"
	p.X.Label.Text = "ms"
	p.X.Tick.Marker = plot.TickerFunc(wholeTicks)
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	p.Add(grid)
	var names []string
	for i := range all {
		t := &all[len(all)-1-i] // from the bottom
		p.Add(&bars{row: float64(i), timeline: t})
		names = append(names, title(t.ID)+"    ") // room for fonts wider than the one used for measuring
		p.X.Max = max(p.X.Max, 1.02*t.Took/1e6)
	}
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(all))-0.4
	p.Legend.Add("in the process", swatch{inProcess})
	for _, k := range callKinds {
		if slices.ContainsFunc(all, func(t timeline) bool {
			return slices.ContainsFunc(t.Calls, func(c timelineCall) bool { return c.Kind == k.Kind })
		}) {
			p.Legend.Add(k.Kind, swatch{k.Color})
		}
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs = 9 * vg.Centimeter // above the slow peers
	p.Legend.Padding = vg.Points(2)
	return p.Save(24*vg.Centimeter, 9*vg.Centimeter, path)
}

// wholeTicks are whole numbers from min to max.
func wholeTicks(minimum, maximum float64) []plot.Tick {
	step := 1.0
	for maximum-minimum > 12*step {
		step *= 5
	}
	var ticks []plot.Tick
	for v := math.Ceil(minimum/step) * step; v <= maximum; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprint(v)})
	}
	return ticks
}

// inProcess is the color of time outside of the shown calls.
var inProcess = color.RGBA{0xd0, 0xd4, 0xda, 0xff}

// bars are a timeline in a plot: its calls, drawn over its whole duration.
type bars struct {
	row float64
	*timeline
}

func (b *bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	bar := func(begin, end float64, clr color.Color) {
		c.FillPolygon(clr, []vg.Point{
			{X: x(begin / 1e6), Y: y(b.row - 0.3)},
			{X: x(end / 1e6), Y: y(b.row - 0.3)},
			{X: x(end / 1e6), Y: y(b.row + 0.3)},
			{X: x(begin / 1e6), Y: y(b.row + 0.3)},
		})
	}
	bar(0, b.Took, inProcess)
	for _, k := range callKinds {
		for _, call := range b.Calls {
			if call.Kind == k.Kind {
				bar(call.Begin, call.End, k.Color)
			}
		}
	}
}

func (b *bars) DataRange() (xmin, xmax, ymin, ymax float64) {
	return 0, b.Took / 1e6, b.row - 0.5, b.row + 0.5
}

// swatch is a color sample in a legend.
type swatch struct{ color.Color }

func (s swatch) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(s.Color, []vg.Point{
		{X: c.Min.X, Y: c.Min.Y}, {X: c.Max.X, Y: c.Min.Y}, {X: c.Max.X, Y: c.Max.Y}, {X: c.Min.X, Y: c.Max.Y},
	})
}

// markdownTimeline shows the plot and gives its numbers as a table.
func (r *results) markdownTimeline(w io.Writer) {
	if len(r.Timelines) == 0 {
		return
	}
	fmt.Fprintf(w, "\n## One load as a timeline\n\n"+
		"System calls of the first load of %s in a process: of %d such loads by each peer, the median one. "+
		"A BPF program at the tracepoints sys_enter and sys_exit recorded them; "+
		"it takes less than a microsecond for each, while strace takes tens. "+
		"Calls less than 0.01 ms apart are drawn as one, and calls that only wait are not drawn.\n\n"+
		"![One load as a timeline](benchmarks/timeline.svg)\n\n", timelineObject, timelineRounds)
	head := []string{"ms", "whole load", "in the process"}
	for _, k := range callKinds {
		head = append(head, k.Kind)
	}
	row(w, head...)
	rule(w, len(head))
	for _, t := range r.Timelines {
		spent := map[string]float64{}
		inCalls, until := 0.0, 0.0 // of all threads, without overlaps
		for _, c := range t.Calls {
			spent[c.Kind] += c.End - c.Begin
			inCalls += max(0, c.End-max(c.Begin, until))
			until = max(until, c.End)
		}
		cells := []string{title(t.ID), number(t.Took / 1e6), number((t.Took - inCalls) / 1e6)}
		for _, k := range callKinds {
			text := ""
			if spent[k.Kind] > 0 {
				text = number(spent[k.Kind] / 1e6)
			}
			cells = append(cells, text)
		}
		row(w, cells...)
	}
}

// plotTimelines writes timeline.svg into a directory.
func (r *results) plotTimelines(dir string) error {
	return plotTimelines(r.Timelines, filepath.Join(dir, "timeline.svg"))
}
