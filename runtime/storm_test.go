package runtime_test

import (
	"io"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// BPF_PROG_LOAD answers EAGAIN while a signal is pending, and Go's own are not the only ones.
func TestSignalStorm(t *testing.T) {
	const loads = 500
	spec := compiled(t, "globals")
	before := settledCensus(t)
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Fatal(err)
	}
	defer pprof.StopCPUProfile()

	var over atomic.Bool
	var sent atomic.Int64
	var storm sync.WaitGroup
	defer storm.Wait()
	defer over.Store(true)
	pid := unix.Getpid()
	storm.Go(func() {
		for !over.Load() {
			for _, sig := range []unix.Signal{unix.SIGURG, unix.SIGPROF, unix.SIGCHLD} {
				if err := unix.Kill(pid, sig); err != nil {
					t.Error(err)
					return
				}
				sent.Add(1)
			}
		}
	})
	for i := range loads {
		if err := loadDirectly(spec); err != nil {
			t.Fatalf("load %d: %+v", i, err)
		}
	}
	t.Logf("%d loads, %d signals", loads, sent.Load())
	after := takeCensus(t)
	if len(after.Mappings) != len(before.Mappings) {
		t.Errorf("mappings %v, before %v", after.Mappings, before.Mappings)
	}
}

// Loads from many goroutines do not disturb one another.
func TestParallelLoads(t *testing.T) {
	const goroutines, loads = 64, 50
	spec := compiled(t, "globals")
	before := settledCensus(t)
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range loads {
				if err := loadDirectly(spec); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	wantCensus(t, before, "after all loads")
}
