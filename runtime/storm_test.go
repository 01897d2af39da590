package runtime_test

import (
	"errors"
	"io"
	goruntime "runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Loads succeed under a storm of signals, although BPF_PROG_LOAD fails with EAGAIN while a signal
// is pending. The signals are sent to the thread that loads: those sent to the process mostly hit
// others.
func TestSignalStorm(t *testing.T) {
	const loads = 500
	specs := []*runtime.Spec{compiled(t, "globals"), compiled(t, "core_fields"), compiled(t, "storage_task")}
	long := compiled(t, "big_program") // without masked signals no attempt would finish
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	before := settledCensus(t)
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	var sent atomic.Int64
	var storm sync.WaitGroup
	end := sync.OnceFunc(func() {
		over.Store(true)
		storm.Wait()
		pprof.StopCPUProfile()
	})
	defer end()
	pid, tid := unix.Getpid(), unix.Gettid()
	storm.Go(func() {
		for !over.Load() {
			for _, sig := range []unix.Signal{unix.SIGURG, unix.SIGPROF, unix.SIGCHLD} {
				if err := errors.Join(unix.Tgkill(pid, tid, sig), unix.Kill(pid, sig)); err != nil {
					t.Error(err)
					return
				}
				sent.Add(2)
			}
		}
	})
	for i := range loads {
		spec := specs[i%len(specs)]
		if i%20 == 0 {
			spec = long
		}
		if err := loadDirectly(spec); err != nil {
			t.Fatalf("load %d: %+v", i, err)
		}
	}
	end()
	t.Logf("%d loads, %d signals", loads, sent.Load())
	wantCensus(t, before, "after the storm")
}

// Concurrent loads of several objects do not disturb each other.
func TestParallelLoads(t *testing.T) {
	const goroutines, loads = 64, 50
	specs := []*runtime.Spec{compiled(t, "globals"), compiled(t, "map_in_map"), compiled(t, "storage_task"), compiled(t, "core_fields")}
	before := settledCensus(t)
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() {
			for j := range loads {
				if err := loadDirectly(specs[(i+j)%len(specs)]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	wantCensus(t, before, "after all loads")
}
