// Command sched replaces the machine's scheduler with one written in BPF (sched_ext) until it is
// interrupted, and prints statistics every second. It needs Linux 6.13 and a kernel built with
// CONFIG_SCHED_CLASS_EXT=y.
//
//	sched [-slice 20ms]
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/examples/sched/skel"
)

//go:generate go tool bpf2lskel -o skel fifo.bpf.c

func main() {
	log.SetFlags(0)
	slice := flag.Duration("slice", 20*time.Millisecond, "how long a task may run before the next one gets its turn")
	flag.Parse()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGINT, unix.SIGTERM)
	if err := run(*slice, os.Stdout, time.Tick(time.Second), stop); err != nil {
		log.Fatal("sched: ", err)
	}
}

// run schedules all tasks of the machine until stop receives a signal. It prints statistics at each
// tick.
func run(slice time.Duration, out io.Writer, ticks <-chan time.Time, stop <-chan os.Signal) error {
	s, err := skel.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	s.Rodata.SliceNs = uint64(slice)
	copy(s.StructOps.Fifo.Name[:], "bpf2lskel_fifo")
	if err := s.Load(); err != nil {
		return err
	}
	link, err := s.Maps.Fifo.Attach()
	if err != nil {
		return err
	}
	defer link.Close() // returns the machine to the kernel's scheduler
	for {
		select {
		case <-stop:
			return show(out, s)
		case <-ticks:
			if err := show(out, s); err != nil {
				return err
			}
		}
		// The kernel ejects a scheduler that leaves a task waiting for longer than timeout_ms.
		if kind := atomic.LoadUint32(&s.Bss.ExitKind); kind != 0 {
			return fmt.Errorf("the kernel ejected the scheduler: scx_exit_kind %d", kind)
		}
	}
}

// show prints the sum of the statistics of all CPUs.
func show(out io.Writer, s *skel.Skeleton) error {
	perCPU, err := s.Maps.Counts.Lookup(0)
	if err != nil {
		return err
	}
	var sum skel.Stats
	for _, c := range perCPU {
		sum.Direct += c.Direct
		sum.Queued += c.Queued
		sum.Dispatched += c.Dispatched
		sum.Running += c.Running
	}
	_, err = fmt.Fprintf(out, "tasks ran %d times; %d found an idle CPU, %d had to wait, %d were taken from the queue\n",
		sum.Running, sum.Direct, sum.Queued, sum.Dispatched)
	return err
}
