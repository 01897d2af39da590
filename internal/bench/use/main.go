// Command use measures operations on a loaded object: reading events, using maps, attaching. It is
// the process of all peers that are written in Go; c/use.c is that of libbpf.
//
//	use OBJECT
//
// It loads testdata/bench_use once for each peer and writes "ready". Then it answers each line
// "PEER ROW" with the time of one operation, in ns. The time excludes preparation, such as writing
// the records to read.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// bench is a row of a peer.
type bench struct {
	prepare func() error // may be nil
	run     func() (n int, err error)
	after   func() error // may be nil
}

// benches maps the names of a peer's rows to benches.
type benches map[string]bench

// peers open an object and return their rows for it.
var peers = map[string]func(object string) (benches, error){
	"bpf2lskel": openOurs,
	"copied":    openCopied,
	"single":    openSingle,
	"cilium":    openCilium,
	"floor":     openFloor,
}

// kept holds what must live as long as the process: rows only know file descriptors.
var kept []any

func main() {
	do := func() error { return serve(os.Args[1]) }
	if os.Args[1] == produceFlag {
		do = func() error { return produce(os.Args[2:]) }
	}
	if err := do(); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func serve(object string) error {
	all := map[string]benches{}
	for id, open := range peers {
		var err error
		if all[id], err = open(object); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		id, row, _ := strings.Cut(lines.Text(), " ")
		b, ok := all[id][row]
		if !ok {
			fmt.Printf("error: %s has no %q\n", id, row)
			continue
		}
		took, err := measure(b, !strings.Contains(row, "live"))
		if err != nil {
			fmt.Printf("error: %s: %s: %v\n", id, row, err)
			continue
		}
		fmt.Println(took)
	}
	return lines.Err()
}

// measure runs a row once, on one CPU unless other threads work at the same time.
func measure(b bench, onOneCPU bool) (float64, error) {
	if onOneCPU {
		// Not in live rows: a goroutine that is locked to a thread wakes up later than others.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var all unix.CPUSet
		if err := unix.SchedGetaffinity(0, &all); err != nil {
			return 0, err
		}
		defer func() { _ = unix.SchedSetaffinity(0, &all) }()
		var one unix.CPUSet
		for cpu := 0; one.Count() == 0; cpu++ {
			if all.IsSet(cpu) {
				one.Set(cpu)
			}
		}
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			return 0, err
		}
	}
	if b.prepare != nil {
		if err := b.prepare(); err != nil {
			return 0, err
		}
	}
	begin := time.Now()
	n, err := b.run()
	took := time.Since(begin)
	if err == nil && b.after != nil {
		err = b.after()
	}
	if err != nil {
		return 0, err
	}
	return float64(took.Nanoseconds()) / float64(n), nil
}
