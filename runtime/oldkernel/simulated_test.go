package oldkernel

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// No kernel between 5.10 and 6.1 is in Debian's archive, so what those do is simulated here: what
// the probes find, and what BPF_PROG_LOAD answers to records of CO-RE.
var (
	linux510 = capabilities{}
	linux515 = capabilities{loaders: true, fdArray: true, memcg: true}
	linux61  = capabilities{loaders: true, fdArray: true, memcg: true, core: true}
)

// simulate has probes find those capabilities.
func simulate(t *testing.T, c capabilities) {
	t.Helper()
	old := probed
	probed = func() capabilities { return c }
	t.Cleanup(func() { probed = old })
}

func readObject(t *testing.T, name string) *spec.Spec {
	t.Helper()
	s, err := loader.ReadFile(testobj.Compile(t, name, testobj.Options{}), loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// refusedProgram is the failure of the first program with CO-RE records, or without.
func refusedProgram(s *spec.Spec, core bool, errno unix.Errno) *spec.Failure {
	for i, step := range s.Steps {
		if step.Kind == spec.StepLoadProgram && (s.Programs[step.Index].CORERelos != 0) == core {
			return &spec.Failure{Spec: s, Op: spec.OpStep, Step: i, Err: errno, Errno: errno}
		}
	}
	return nil
}

func failedAt(s *spec.Spec, op spec.Op, errno unix.Errno) *spec.Failure {
	return &spec.Failure{Spec: s, Op: op, Step: -1, Err: errno, Errno: errno}
}

// Only what a kernel lacks makes a load go the second way.
func TestWhenItTakesOver(t *testing.T) {
	withCORE, without := readObject(t, "bench_execsnoop"), readObject(t, "bench_counter")
	large := *without
	large.Blob = string(make([]byte, maxOldValue+1))
	for name, tt := range map[string]struct {
		kernel  capabilities
		failure *spec.Failure
		want    bool
	}{
		"5.10: no loader programs":                  {linux510, failedAt(without, spec.OpLoadLoader, unix.E2BIG), true},
		"5.15: CO-RE records":                       {linux515, refusedProgram(withCORE, true, unix.E2BIG), true},
		"5.15: the verifier refuses the program":    {linux515, refusedProgram(withCORE, true, unix.EACCES), false},
		"5.15: a program without CO-RE is too long": {linux515, refusedProgram(without, false, unix.E2BIG), false},
		"5.15: CO-RE records of the loader":         {linux515, failedAt(withCORE, spec.OpLoadLoader, unix.E2BIG), true},
		"5.15: no room for files":                   {linux515, failedAt(withCORE, spec.OpLoadLoader, unix.EMFILE), false},
		"5.15: not allowed":                         {linux515, failedAt(withCORE, spec.OpLoadLoader, unix.EPERM), false},
		"5.15: a large blob":                        {linux515, failedAt(&large, spec.OpCreateBlob, unix.E2BIG), true},
		"6.1: the loader is refused":                {linux61, failedAt(withCORE, spec.OpLoadLoader, unix.EINVAL), false},
		"6.1: the program is refused":               {linux61, refusedProgram(withCORE, true, unix.EINVAL), false},
		"6.1: it is too long":                       {linux61, refusedProgram(withCORE, true, unix.E2BIG), false},
	} {
		simulate(t, tt.kernel)
		req := &load.Request{Spec: tt.failure.Spec}
		if got := (Options{}).isForOldKernel(req, tt.failure); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		req.RequireSignature = true
		if (Options{}).isForOldKernel(req, tt.failure) {
			t.Errorf("%s: though a signature is required", name)
		}
	}
}

// On 5.15 objects without CO-RE are loaded by loader programs, and others are not. Both load.
func TestLinux515(t *testing.T) {
	simulate(t, linux515)
	run = func(req *load.Request) (*load.Loaded, *spec.Failure) {
		if f := refusedProgram(req.Spec, true, unix.E2BIG); f != nil {
			return nil, f
		}
		return load.Run(req)
	}
	t.Cleanup(func() { run = load.Run })
	ways := map[string]int{}
	for _, name := range testobj.All(t) {
		s := readObject(t, name)
		if s.PinsByName() {
			continue
		}
		_, refused := runtime.Load(s, &runtime.LoadOptions{Fallback: Never})
		skeleton, err := runtime.Load(s, nil)
		if err != nil {
			if refused == nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		usesCORE := slices.ContainsFunc(s.Programs, func(p spec.ProgramSpec) bool { return p.CORERelos != 0 })
		if skeleton.Interpreted() != usesCORE {
			t.Errorf("%s: interpreted: %v, CO-RE: %v", name, skeleton.Interpreted(), usesCORE)
		}
		ways[fmt.Sprintf("CO-RE: %v", usesCORE)]++
		skeleton.Close()
	}
	if len(ways) != 2 {
		t.Error(ways)
	}
	t.Logf("%v on Linux %v as 5.15", ways, sys.KernelVersion())
}
