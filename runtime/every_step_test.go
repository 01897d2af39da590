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

// large are objects of many steps of all kinds.
var large = []string{"big_100", "big_200_maps", "bench_agent"}

// Each step of an object is made to fail in turn: the error says that it was this one, and nothing
// is left.
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
			// The buffers of verifier logs are private memory as Go's heap is, but 16 MiB each: of
			// a hundred programs, gigabytes.
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

// loadOpened loads twice: a failed load can be tried again.
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

// breakStep returns a Spec whose step k the kernel refuses: one argument of its call is wrong.
func breakStep(t testing.TB, spec *runtime.Spec, k int) *runtime.Spec {
	t.Helper()
	step := spec.Steps[k]
	broken := *spec
	if step.Kind == impl.StepCreateMap && spec.Maps[step.Index].Outside {
		// The loader has no part in it.
		blob := []byte(spec.Blob)
		binary.NativeEndian.PutUint32(blob[step.Attr:], math.MaxUint32)
		broken.Blob = string(blob)
		return &broken
	}
	outside := func(m runtime.MapSpec) bool { return m.Outside }
	if step.Kind == impl.StepLoadBTF && (spec.BTF.Outside || slices.ContainsFunc(spec.Maps, outside)) {
		// Nor in this one: no magic, no BTF.
		blob := []byte(spec.Blob)
		blob[spec.BTF.Data] ^= 0xff
		broken.Blob = string(blob)
		return &broken
	}
	if step.Kind == impl.StepLoadBTF {
		// Larger than any BTF: E2BIG. After EINVAL the load would go on without.
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
	// The argument that makes the call fail at once, and no other: bpf_sys_bpf's command,
	// bpf_btf_find_by_name_kind's and bpf_kallsyms_lookup_name's flags.
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

// With too few files the load fails for that, wherever it is, and leaves nothing.
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
					t.Fatalf("no load with up to %d files", limit)
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
					t.Logf("enough: %d; %d different things failed", limit, len(steps))
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
				t.Errorf("it failed only at %v", steps)
			}
		})
	}
}
