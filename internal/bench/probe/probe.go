// Package probe is what a measured Go process runs: it loads when it is told
// to, and says what that took. It is part of each Go binary of the bench and
// of what is measured about it, so it imports as little as can be.
//
// The process says "ready" once it is up, and then answers lines on its
// standard input, one line each:
//
//	load     -> wall_ns cpu_ns minor_faults peak_rss_kib
//	allocs   -> allocations bytes
//
// Each loads once, and closes what it has loaded after measuring. Peers in C
// speak the same protocol, see c/probe.h.
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

// Loader loads an object once and returns what unloads it.
type Loader func() (unload func(), err error)

// Main answers until its standard input ends.
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

// count counts the allocations of one load. The garbage collector rests meanwhile, because it
// allocates too.
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

// cpuTime is what all threads of the process have used, in ns.
func cpuTime() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts)
	return ts.Nano()
}

// peakRSS is the process's VmHWM in KiB. The one that getrusage gives begins
// with that of the process which started this one.
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
