package loader_test

import (
	"encoding/binary"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Compilers with address spaces make __arena variables work: programs change what Go sees, and
// their pointers are valid in Go.
func TestArenaVariables(t *testing.T) {
	for _, cc := range []string{"clang-19", "clang-22"} {
		t.Run(cc, func(t *testing.T) {
			obj, err := object.Read(testobj.Compile(t, "arena/globals", testobj.Options{CC: cc}))
			if err != nil {
				t.Fatal(err)
			}
			spec, err := loader.Generate(obj, loader.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := loader.Generate(obj, loader.Options{Signed: true}); err == nil {
				t.Error("a package with an arena was signed, but the runtime must create the arena")
			}
			s, err := runtime.Load(spec, nil)
			if err != nil {
				t.Fatalf("%+v", err)
			}
			defer s.Close()
			fd, err := s.Program(0).DupFD()
			if err != nil {
				t.Fatal(err)
			}
			count, err := ebpf.NewProgramFromFD(fd)
			if err != nil {
				t.Fatal(err)
			}
			defer count.Close()
			for run := range uint32(2) {
				if calls, err := count.Run(&ebpf.RunOptions{}); err != nil || calls != run+1 {
					t.Fatalf("call %d: %d, %v", run+1, calls, err)
				}
			}
			arena := s.Data(0)
			word := func(off uintptr) uint64 { return binary.NativeEndian.Uint64(unsafe.Slice((*byte)(arena), 8028)[off:]) }
			if counter, first, square := uint32(word(0)), word(8), word(24+9*8); counter != 9 || first != 7+7+9 || square != 81 {
				t.Errorf("counter %d, first %d, square of 9 %d", counter, first, square)
			}
			// head is not in the arena and points to first.
			node, err := runtime.ArenaPointer[uint64](runtime.NewArena(s.Map(0)), *(*uint64)(s.Data(1)))
			if err != nil || unsafe.Pointer(node) != unsafe.Add(arena, 8) {
				t.Errorf("head points to %p, %v; the arena is at %p", node, err, arena)
			}
		})
	}
}
