package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A timeline covers the time between two calls of getrusage, by kind. Calls of one kind that are
// close together are merged.
func TestTimelineOf(t *testing.T) {
	enter := func(ns uint64, tid uint32, nr int32, arg uint32) syscallEvent {
		return syscallEvent{NS: ns, TID: tid, Number: nr, Arg: arg}
	}
	leave := func(ns uint64, tid uint32) syscallEvent { return syscallEvent{NS: ns, TID: tid, Number: -1} }
	got, err := timelineOf(ours, []syscallEvent{
		leave(900, 1), // ends a read that began earlier
		enter(1_000, 1, unix.SYS_OPENAT, 0), leave(1_500, 1),
		enter(2_000, 1, unix.SYS_GETRUSAGE, 0), leave(3_000, 1),
		enter(4_000, 1, unix.SYS_BPF, uint32(sys.CmdMapCreate)), leave(5_000, 1),
		enter(6_000, 1, unix.SYS_BPF, uint32(sys.CmdMapCreate)), leave(7_000, 1), // 0.001 ms later: the same bar
		enter(8_000, 1, unix.SYS_BPF, uint32(sys.CmdProgRun)),
		enter(9_000, 2, unix.SYS_FUTEX, 0), leave(10_000, 2), // a wait
		leave(60_000, 1),
		enter(80_000, 1, unix.SYS_BPF, uint32(sys.CmdProgRun)), leave(90_000, 1),
		enter(103_000, 1, unix.SYS_GETRUSAGE, 0), leave(104_000, 1),
		enter(105_000, 1, unix.SYS_OPENAT, 0), leave(106_000, 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := timeline{ID: ours, Took: 100_000, Calls: []timelineCall{
		{callMap, 1_000, 4_000}, {callRun, 5_000, 57_000}, {callRun, 77_000, 87_000},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, err := timelineOf(ours, []syscallEvent{enter(1, 1, unix.SYS_BPF, 0), leave(2, 1)}); err == nil {
		t.Error("got a timeline without a load")
	}
}

// The same data give the same bytes, and the table agrees with the plot.
func TestTimelinePlot(t *testing.T) {
	r := &results{Timelines: []timeline{
		{ID: ours, Took: 3e6, Calls: []timelineCall{{callMap, 1e5, 2e5}, {callRun, 5e5, 2.5e6}}},
		{ID: cilium, Took: 9e6, Calls: []timelineCall{{callFiles, 1e6, 3e6}, {callProg, 8e6, 9e6}}},
	}}
	var drawn [2][]byte
	for i := range drawn {
		dir := t.TempDir()
		if err := r.plotTimelines(dir); err != nil {
			t.Fatal(err)
		}
		var err error
		if drawn[i], err = os.ReadFile(filepath.Join(dir, "timeline.svg")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(drawn[0], drawn[1]) {
		t.Error("two plots of the same data differ")
	}
	var doc strings.Builder
	r.markdownTimeline(&doc)
	for _, row := range []string{
		"| bpf2lskel | 3.00 | 0.900 | 2.00 |  | 0.100 |  |  |  |  |\n",
		"| cilium/ebpf | 9.00 | 6.00 |  | 1.00 |  |  |  | 2.00 |  |\n",
	} {
		if !strings.Contains(doc.String(), row) {
			t.Errorf("no row %q in\n%s", row, doc.String())
		}
	}
}
