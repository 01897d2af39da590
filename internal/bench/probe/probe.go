// Package probe is the main loop of a measured Go process: it loads on request and reports what
// that took. It is part of each Go binary of the bench, and of what is measured, so it imports as
// little as possible.
//
// The process writes "ready" when it is up. Then it answers each line on its standard input with
// one line:
//
//	load     -> wall_ns cpu_ns minor_faults peak_rss_kib
//	allocs   -> allocations bytes
//
// Each loads once and unloads after measuring. Peers in C use the same protocol: see c/probe.h.
package probe

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Loader loads an object once and returns a function that unloads it.
type Loader func() (unload func(), err error)

// Main answers requests until its standard input ends.
func Main(load Loader) {
	say("ready")
	var line [16]byte
	for {
		n, err := os.Stdin.Read(line[:])
		if n == 0 || err != nil {
			return
		}
		var answer []int64
		switch string(bytes.TrimSpace(line[:n])) {
		case "load":
			answer, err = measure(load)
		case "allocs":
			answer, err = count(load)
		}
		if err != nil {
			say("error: " + err.Error())
			continue
		}
		var out []byte
		for _, v := range answer {
			out = strconv.AppendInt(append(out, ' '), v, 10)
		}
		say(string(out))
	}
}

func say(line string) { os.Stdout.WriteString(line + "\n") }

// measure times one load.
func measure(load Loader) ([]int64, error) {
	var before, after unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &before); err != nil {
		return nil, err
	}
	cpu := cpuTime()
	start := time.Now()
	unload, err := load()
	wall := time.Since(start)
	cpu = cpuTime() - cpu
	if err != nil {
		return nil, err
	}
	if err := unix.Getrusage(unix.RUSAGE_SELF, &after); err != nil {
		return nil, err
	}
	peak, err := peakRSS()
	unload()
	return []int64{wall.Nanoseconds(), cpu, int64(after.Minflt - before.Minflt), peak}, err
}

// count counts the allocations of one load. It stops the garbage collector meanwhile, since that
// allocates, too.
func count(load Loader) ([]int64, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	unload, err := load()
	runtime.ReadMemStats(&after)
	if err != nil {
		return nil, err
	}
	unload()
	return []int64{int64(after.Mallocs - before.Mallocs), int64(after.TotalAlloc - before.TotalAlloc)}, nil
}

// cpuTime returns the CPU time of all threads of the process, in ns.
func cpuTime() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts)
	return ts.Nano()
}

// peakRSS returns the process's VmHWM in KiB. The value from getrusage starts at that of the parent
// process.
func peakRSS() (int64, error) {
	var buf [4096]byte
	fd, err := unix.Open("/proc/self/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return 0, err
	}
	_, text, _ := bytes.Cut(buf[:n], []byte("VmHWM:"))
	fields := bytes.Fields(text)
	if len(fields) == 0 {
		return 0, unix.ENODATA
	}
	return strconv.ParseInt(string(fields[0]), 10, 64)
}
