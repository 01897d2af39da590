package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// clock measures how long a process has been running, without the time that it waited for a
// processor. A guest gets the same time to run on a busy machine as on an idle one.
type clock struct {
	pid    int
	begun  time.Time
	before time.Duration // its waiting time when the clock started
	waited time.Duration // since then, as last seen
}

// maxStretch limits how much longer than on an idle machine anything may take.
const maxStretch = 4

func startClock(pid int) *clock {
	return &clock{pid: pid, begun: time.Now(), before: runDelay(pid)}
}

// elapsed returns the time that has passed for the process.
func (c *clock) elapsed() time.Duration {
	c.waited = max(c.waited, runDelay(c.pid)-c.before)
	wall := c.wall()
	return max(wall-c.waited, wall/maxStretch)
}

// wall returns the wall time that has passed.
func (c *clock) wall() time.Duration { return time.Since(c.begun) }

// runDelay returns how long a process was ready to run but did not, taken from the thread that
// waited longest: the one that emulates the guest's processor. It returns 0 if the kernel does not
// report this, or if the process is gone.
func runDelay(pid int) time.Duration {
	// Documentation/scheduler/sched-stats.rst: time on a processor and time waiting for one, both
	// in ns, and the number of times.
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	var longest time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		var ran, waited time.Duration
		if _, err := fmt.Sscan(string(text), &ran, &waited); err == nil {
			longest = max(longest, waited)
		}
	}
	return longest
}
