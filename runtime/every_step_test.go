package runtime_test

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
)

// large are objects with many steps of all kinds.
var large = []string{"big_100", "big_200_maps", "bench_agent"}

// Each step of a load is made to fail in turn: the error names this step, and nothing is left.
func TestEveryStepFailsOnce(t *testing.T) {
	for _, name := range append([]string{"prog_array", "storage_task", "map_in_map_types"}, large...) {
		t.Run(name, func(t *testing.T) {
			spec := compiled(t, name)
			before, memory := settledCensus(t), kilobytes(t, "VmSize")
			for k := range spec.Steps {
				broken := breakStep(t, spec, k)
				checkBroken(t, broken, k, loadDirectly(broken))
				if k%16 == 0 || k == len(spec.Steps)-1 {
					checkBroken(t, broken, k, loadOpened(broken))
					wantCensus(t, before, "after "+spec.StepName(spec.Steps[k]))
				}
				if t.Failed() {
					return
				}
			}
			// Buffers for verifier logs are private memory, like Go's heap, but 16 MiB each: for a
			// hundred programs, gigabytes.
			if now := kilobytes(t, "VmSize"); now > memory+512<<10 {
				t.Errorf("the process has %d kB of memory mapped, %d before", now, memory)
			}
			t.Logf("%d steps", len(spec.Steps))
		})
	}
}

func loadDirectly(spec *runtime.Spec) error {
	s, err := runtime.Load(spec, nil)
	if err == nil {
		s.Close()
	}
	return err
}

// loadOpened loads twice, since a failed load can be retried.
func loadOpened(spec *runtime.Spec) error {
	s, err := runtime.Open(spec)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Load(nil); err == nil {
		return nil
	}
	return s.Load(nil)
}

func checkBroken(t *testing.T, spec *runtime.Spec, k int, err error) {
	t.Helper()
	what := spec.StepName(spec.Steps[k])
	var failure *runtime.LoadError
	if !errors.As(err, &failure) {
		t.Errorf("step %d, %s: got %v", k, what, err)
		return
	}
	if failure.Step != k || failure.Op != what || failure.Errno == 0 || !errors.Is(err, failure.Errno) {
		t.Errorf("step %d, %s: the error is of step %d: %v", k, what, failure.Step, err)
	}
	if !strings.Contains(err.Error(), what) {
		t.Errorf("step %d, %s is not named: %v", k, what, err)
	}
}

// breakStep returns a Spec in which one argument of step k's call is wrong, so that the kernel
// refuses it.
func breakStep(t testing.TB, spec *runtime.Spec, k int) *runtime.Spec {
	t.Helper()
	step := spec.Steps[k]
	broken := *spec
	if step.Kind == impl.StepCreateMap && spec.Maps[step.Index].Outside {
		// The runtime, not the loader, makes this call.
		blob := []byte(spec.Blob)
		binary.NativeEndian.PutUint32(blob[step.Attr:], math.MaxUint32)
		broken.Blob = string(blob)
		return &broken
	}
	outside := func(m runtime.MapSpec) bool { return m.Outside }
	if step.Kind == impl.StepLoadBTF && (spec.BTF.Outside || slices.ContainsFunc(spec.Maps, outside)) {
		// So does it this one: no magic, no BTF.
		blob := []byte(spec.Blob)
		blob[spec.BTF.Data] ^= 0xff
		broken.Blob = string(blob)
		return &broken
	}
	if step.Kind == impl.StepLoadBTF {
		// Larger than the kernel's limit for BTF: E2BIG. After EINVAL the load would continue
		// without BTF.
		blob := []byte(spec.Blob)
		binary.NativeEndian.PutUint32(blob[int(step.Attr)+int(unsafe.Offsetof(sys.BtfLoadAttr{}.BtfSize)):], math.MaxUint32)
		broken.Blob = string(blob)
		return &broken
	}
	loader := []byte(spec.Loader)
	insn := func(i int32) []byte { return loader[8*i:][:8] }
	call := step.End - 1
	for insn(call)[0] != sys.OpCall {
		call--
	}
	// The argument that makes the call fail at once: the command of bpf_sys_bpf, the flags of
	// bpf_btf_find_by_name_kind and bpf_kallsyms_lookup_name.
	reg := map[uint32]byte{sys.FuncSysBPF: 1, sys.FuncBtfFindByNameKind: 4, sys.FuncKallsymsLookupName: 3}[binary.NativeEndian.Uint32(insn(call)[4:])]
	for i := call - 1; i >= step.Start; i-- {
		dst := insn(i)[1] & 0xf
		if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
			dst = insn(i)[1] >> 4
		}
		if insn(i)[0] == sys.OpMovImm && dst == reg {
			binary.NativeEndian.PutUint32(insn(i)[4:], 0x7777)
			broken.Loader = string(loader)
			return &broken
		}
	}
	t.Fatalf("step %d, %s: no argument to break", k, spec.StepName(step))
	return nil
}

// With too few file descriptors a load fails with that error, at whatever step, and leaves nothing.
func TestTooFewFiles(t *testing.T) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"storage_task", "map_in_map"}, large...) {
		t.Run(name, func(t *testing.T) {
			spec := compiled(t, name)
			before := settledCensus(t)
			steps := make(map[string]bool)
			for limit := uint64(3); ; limit++ {
				if limit == old.Cur {
					t.Fatalf("no load succeeded with up to %d files", limit)
				}
				set := old
				set.Cur = limit
				if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &set); err != nil {
					t.Fatal(err)
				}
				err := loadDirectly(spec)
				if e := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); e != nil {
					t.Fatal(e)
				}
				if err == nil {
					t.Logf("%d files are enough; %d different steps failed", limit, len(steps))
					break
				}
				var failure *runtime.LoadError
				if !errors.As(err, &failure) || !errors.Is(err, unix.EMFILE) || !strings.Contains(failure.Hint, "RLIMIT_NOFILE is ") {
					t.Fatalf("limit %d: %v", limit, err)
				}
				if failure.Log != "" {
					t.Errorf("limit %d: the verifier's log of something that it has not refused: %v", limit, err)
				}
				steps[failure.Op] = true
				if limit%16 == 0 {
					wantCensus(t, before, "after a failure")
				}
			}
			wantCensus(t, before, "at the end")
			if len(steps) < 3 {
				t.Errorf("loads failed only at %v", steps)
			}
		})
	}
}
