//vmtest:6.18,7.x

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
)

// state returns the state of sched_ext: enabling, enabled, disabling or disabled.
func state(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/sys/kernel/sched_ext/state")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// work keeps more threads busy than there are CPUs, and starts some processes.
func work(t *testing.T) {
	t.Helper()
	defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(4))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			n := 0
			for i := range 20_000_000 {
				n += i & 3
			}
			if n == 0 {
				t.Error("nothing was counted")
			}
		})
	}
	for range 5 {
		if err := exec.Command(os.Args[0], "-test.run=^$").Run(); err != nil {
			t.Error(err)
		}
	}
	wait.Wait()
}

// table receives what run writes, a line at each tick.
type table struct{ lines chan string }

func (l table) Write(p []byte) (int, error) {
	l.lines <- string(bytes.TrimSpace(p))
	return len(p), nil
}

var line = regexp.MustCompile(`^tasks ran (\d+) times; (\d+) found an idle CPU, (\d+) had to wait, (\d+) were taken from the queue$`)

// counters parses the numbers of a line.
func counters(t *testing.T, text string) (n [4]int) {
	t.Helper()
	m := line.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("unexpected line %q", text)
	}
	for i := range n {
		n[i], _ = strconv.Atoi(m[1+i])
	}
	return n
}

// The example schedules the machine's tasks, its counters grow, and afterwards the kernel's own
// scheduler is back.
//
// Debian's 7.2 is left out: its BTF lacks scx_bpf_create_dsq_impl, without which its verifier
// rejects calls of scx_bpf_create_dsq.
func TestSchedulesTheMachine(t *testing.T) {
	guest.Only(t)
	if s := state(t); s != "disabled" {
		t.Fatalf("state before the start: %s, want disabled", s)
	}
	out, ticks, stop := table{make(chan string)}, make(chan time.Time), make(chan os.Signal)
	done := make(chan error, 1)
	go func() {
		err := run(5*time.Millisecond, out, ticks, stop)
		close(out.lines)
		done <- err
	}()
	next := func() [4]int {
		select {
		case ticks <- time.Time{}:
		case err := <-done:
			t.Fatalf("run: %+v", err)
		}
		return counters(t, <-out.lines)
	}

	first := next()
	if s := state(t); s != "enabled" {
		t.Errorf("state while it runs: %s, want enabled", s)
	}
	if name, err := os.ReadFile("/sys/kernel/sched_ext/root/ops"); err != nil || !strings.HasPrefix(string(name), "bpf2lskel_fifo") {
		t.Errorf("the kernel's scheduler is %q, %v", name, err)
	}
	if policy := policyOf(t); policy != schedExt {
		t.Errorf("this thread is not scheduled by sched_ext: %s", policy)
	}
	work(t)
	second := next()
	for i, what := range []string{"ran", "idle", "waited", "taken"} {
		if second[i] < first[i] {
			t.Errorf("%s: %d after %d", what, second[i], first[i])
		}
	}
	// With several busy threads on one CPU, most have to wait.
	if second[0] <= first[0] || second[2] <= first[2] || second[3] <= first[3] {
		t.Errorf("the counters do not grow: %v, %v", first, second)
	}

	go func() { stop <- unix.SIGINT }()
	counters(t, <-out.lines)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s := state(t)
	for s == "disabling" {
		goruntime.Gosched()
		s = state(t)
	}
	if s != "disabled" {
		t.Errorf("state afterwards: %s, want disabled", s)
	}
	work(t)
}

const schedExt = "ext_sched_class"

// policyOf returns schedExt if sched_ext schedules the calling thread, and the contents of
// /proc/thread-self/sched otherwise.
func policyOf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/thread-self/sched")
	if err != nil {
		return fmt.Sprint(err)
	}
	if m := regexp.MustCompile(`(?m)^ext\.enabled +: +1$`).Find(text); m != nil {
		return schedExt
	}
	return string(text)
}
