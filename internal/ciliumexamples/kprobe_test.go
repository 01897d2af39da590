//vmtest:all

package ciliumexamples

import (
	"path/filepath"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/kprobe"
	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/kprobe_percpu"
	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/kprobepin"
	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/ringbuffer"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// The example counts how often programs are started.
func TestKprobe(t *testing.T) {
	needProbes(t, "kprobe")
	s := loaded(t, kprobe.Load)
	l, err := s.Progs.KprobeExecve.AttachKprobe("sys_execve", nil)
	attached(t, l, err)
	starts(t, 3)
	if n, err := s.Maps.KprobeMap.Lookup(0); err != nil || n != 3 {
		t.Errorf("%d calls, %v", n, err)
	}
}

// The example counts program starts per CPU.
func TestKprobePerCPU(t *testing.T) {
	needProbes(t, "kprobe")
	s := loaded(t, kprobe_percpu.Load)
	l, err := s.Progs.KprobeExecve.AttachKprobe("sys_execve", nil)
	attached(t, l, err)
	starts(t, 4)
	counts, err := s.Maps.KprobeMap.Lookup(0)
	if err != nil {
		t.Fatal(err)
	}
	possible, err := runtime.PossibleCPUs()
	if err != nil {
		t.Fatal(err)
	}
	sum := uint64(0)
	for _, n := range counts {
		sum += n
	}
	if sum != 4 || len(counts) != possible {
		t.Errorf("counts %v of %d CPUs", counts, possible)
	}
}

// The count continues after a restart, since the map is pinned.
func TestKprobePin(t *testing.T) {
	needProbes(t, "kprobe")
	pins := &runtime.LoadOptions{Pins: &runtime.PinOptions{Path: filepath.Join(testfs.BPF(t), "sys_execve")}}
	load := func() (*kprobepin.Skeleton, error) {
		s, err := kprobepin.Open()
		if err != nil {
			return nil, err
		}
		return s, s.LoadWith(pins)
	}

	s := loaded(t, load)
	l, err := s.Progs.KprobeExecve.AttachKprobe("sys_execve", nil)
	attached(t, l, err)
	starts(t, 3)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if n, err := loaded(t, load).Maps.KprobeMap.Lookup(0); err != nil || n != 3 {
		t.Errorf("%d calls before the restart, %v", n, err)
	}
}

// The example reports which process starts a program.
func TestRingBuffer(t *testing.T) {
	needProbes(t, "kprobe")
	s := loaded(t, ringbuffer.Load)
	events := reader(t, s.Maps.Events)
	l, err := s.Progs.KprobeExecve.AttachKprobe("sys_execve", nil)
	attached(t, l, err)
	pid := uint32(starts(t, 1))
	e := next(t, events, func(e ringbuffer.Event) bool { return e.Pid == pid })
	if got := text(e.Comm[:]); got != comm(t) { // the name inherited from the parent
		t.Errorf("by %q, want %q", got, comm(t))
	}
}
