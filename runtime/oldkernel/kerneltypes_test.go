//vmtest:all,5.10,6.1-i386

package oldkernel_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/oldkernel"
)

// noBTF reports whether this kernel was built without BTF.
func noBTF() bool { return guest.Key() == "6.1-i386" }

// kernelTypes are those of a kernel with a task_struct that has the parent at that offset.
func kernelTypes(t *testing.T, parent uint32, order binary.ByteOrder) *btf.Spec {
	t.Helper()
	task := &btf.Struct{Name: "task_struct", Size: parent + 64}
	task.Members = []btf.Member{
		{Name: "tgid", Type: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, Offset: 64},
		{Name: "real_parent", Type: &btf.Pointer{Target: task}, Offset: btf.Bits(8 * parent)},
	}
	b, err := btf.NewBuilder([]btf.Type{task}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: order})
	if err != nil {
		t.Fatal(err)
	}
	s, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var nativeOrder = map[bool]binary.ByteOrder{true: binary.BigEndian, false: binary.LittleEndian}[binary.NativeEndian.Uint16([]byte{0, 1}) == 1]

// uses reports whether an instruction of a loaded program has that constant.
func uses(t *testing.T, p *runtime.Program, constant int64) bool {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(p.FD()), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Error(err)
		return false
	}
	program, err := ebpf.NewProgramFromFD(fd)
	if err != nil {
		t.Error(err)
		return false
	}
	defer program.Close()
	info, err := program.Info()
	if err != nil {
		t.Error(err)
		return false
	}
	insns, err := info.Instructions()
	if err != nil {
		t.Error(err)
		return false
	}
	for _, insn := range insns {
		if insn.Constant == constant || int64(insn.Offset) == constant {
			return true
		}
	}
	return false
}

// loadWith loads an object with small maps, as a machine of 32 bits has little memory for them.
func loadWith(t *testing.T, spec *runtime.Spec, fallback runtime.Fallback) (*runtime.Skeleton, error) {
	t.Helper()
	s, err := runtime.Open(spec)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { s.Close() })
	for i, m := range spec.Maps {
		if m.Type == sys.MapTypeHash {
			s.Map(i).SetMaxEntries(16)
		}
	}
	return s, s.Load(&runtime.LoadOptions{Fallback: fallback})
}

// Fields are where the given types have them, for several loads at once. A kernel without BTF falls
// back by itself, and one that has what a loader program needs does not.
func TestKernelTypes(t *testing.T) {
	spec := read(t, "bench_execsnoop", loader.Options{})
	var group sync.WaitGroup
	for _, parent := range []uint32{1000, 2104} {
		types := oldkernel.Options{KernelTypes: kernelTypes(t, parent, nativeOrder)}
		for range 4 {
			group.Go(func() {
				s, err := loadWith(t, spec, types.Always())
				if err != nil {
					t.Errorf("%+v", err)
				} else if !uses(t, s.Program(0), int64(parent)) {
					t.Errorf("no instruction of %s has %d, the place of real_parent", s.Program(0).Name(), parent)
				}
			})
		}
		group.Wait()
		s, err := loadWith(t, spec, types.Fallback())
		if err != nil {
			t.Fatalf("%+v", err)
		}
		if want := isOld() || noBTF(); s.Interpreted() != want || uses(t, s.Program(0), int64(parent)) != want {
			t.Errorf("interpreted: %v, want %v", s.Interpreted(), want)
		}
	}
}

// Without types of the caller's it is the kernel's that count, and the kernel's given by the caller
// are the same.
func TestKernelTypesOfThisKernel(t *testing.T) {
	spec := read(t, "bench_execsnoop", loader.Options{})
	if noBTF() {
		_, err := runtime.Load(spec, &runtime.LoadOptions{Fallback: oldkernel.Always})
		if err == nil || !strings.Contains(err.Error(), "Options.KernelTypes") {
			t.Errorf("nothing to resolve CO-RE against: %v", err)
		}
		return
	}
	raw, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	types, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	tags := func(fallback runtime.Fallback) (all []string) {
		s, err := loadWith(t, spec, fallback)
		if err != nil {
			t.Fatalf("%+v", err)
		}
		for i := range s.Spec().Programs {
			info, err := s.Program(i).Info()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(info.Tag[:]))
		}
		return all
	}
	want := tags(nil)
	for _, o := range []oldkernel.Options{{}, {KernelTypes: types}} {
		if got := tags(o.Always()); !slices.Equal(got, want) {
			t.Errorf("given %v: tags %x, want %x", o.KernelTypes != nil, got, want)
		}
	}
}

// Types that do not have what the object needs are an error that says whose they are, and so are
// those of a machine of another byte order.
func TestKernelTypesThatDoNotFit(t *testing.T) {
	spec := read(t, "bench_execsnoop", loader.Options{})
	object, err := btf.LoadSpec(testobj.Compile(t, "minimal", testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	other := map[binary.ByteOrder]binary.ByteOrder{binary.BigEndian: binary.LittleEndian, binary.LittleEndian: binary.BigEndian}[nativeOrder]
	for name, tt := range map[string]struct {
		types *btf.Spec
		want  string
	}{
		"an object's":        {object, "no struct task_struct"},
		"another byte order": {kernelTypes(t, 1000, other), "can't relocate"},
	} {
		s, err := runtime.Load(spec, &runtime.LoadOptions{Fallback: oldkernel.Options{KernelTypes: tt.types}.Always()})
		if err == nil {
			s.Close()
			t.Errorf("%s: it is loaded", name)
			continue
		}
		var failure *runtime.LoadError
		if !errors.As(err, &failure) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "KernelTypes") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
