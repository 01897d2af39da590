//vmtest:6.12,6.18,7.x-arm64

package runtime_test

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Since 7.0, arenas on x86 need cmpxchg16b (kmalloc_nolock), which the x86 guests lack.

// withArena returns an object with an arena of four pages, at the given address if it is not 0, and
// a program that allocates a page, writes 42 to it, and returns the low half of its address:
//
//	r0 = bpf_arena_alloc_pages(arena, NULL, 1, NUMA_NO_NODE, 0)
//	r6 = r0
//	r0 = addr_space_cast(r0, 0, 1)
//	*(u64 *)r0 = 42
//	return r6
func withArena(address uint64) *object.Object {
	obj := oneProgram(object.Program{
		Type: sys.ProgTypeSyscall, Flags: sys.FlagSleepable,
		Insns: []object.Insn{
			{Op: sys.OpLdImm64, Dst: 1, Src: sys.PseudoMapIdx},
			{},
			{Op: sys.OpMovImm, Dst: 2},
			{Op: sys.OpMovImm, Dst: 3, Imm: 1},
			{Op: sys.OpMovImm, Dst: 4, Imm: -1},
			{Op: sys.OpMovImm, Dst: 5},
			{Op: sys.OpCall, Src: sys.PseudoKfuncCall},
			{Op: sys.OpMovReg, Dst: 6, Src: 0},
			{Op: sys.OpMovReg, Dst: 0, Src: 0, Off: 1, Imm: 1},
			{Op: sys.OpMovImm, Dst: 1, Imm: 42},
			{Op: sys.OpStx64, Dst: 0, Src: 1},
			{Op: sys.OpMovReg, Dst: 0, Src: 6},
			{Op: sys.OpExit},
		},
		ExternRefs: []object.ExternRef{{Insn: 6, Extern: 0}},
	})
	obj.Externs = []*object.Extern{{Name: "bpf_arena_alloc_pages", KernelName: "bpf_arena_alloc_pages", Kind: object.Kfunc}}
	obj.Maps = oneMap(object.Map{Type: sys.MapTypeArena, Flags: sys.FlagMmapable, MaxEntries: 4, Extra: address}).Maps
	return obj
}

// arenaAddress is not at the start of 4 GiB, where the low half of the first page's address would
// be 0.
const arenaAddress = 1<<44 + 1<<16

// A program and user space share an arena's memory, which exists before the program is loaded.
func TestArena(t *testing.T) {
	for _, address := range []uint64{0, arenaAddress} {
		before := settledCensus(t)
		s, err := runtime.Load(generate(t, withArena(address)), nil)
		if err != nil {
			t.Fatalf("%+v", err)
		}
		fd, err := s.Program(0).DupFD()
		if err != nil {
			t.Fatal(err)
		}
		prog, err := ebpf.NewProgramFromFD(fd)
		if err != nil {
			t.Fatal(err)
		}
		ret, err := prog.Run(&ebpf.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		prog.Close()
		value, err := runtime.ArenaPointer[uint64](runtime.NewArena(s.Map(0)), uint64(ret))
		if err != nil {
			t.Fatal(err)
		}
		if *value != 42 {
			t.Errorf("at %#x: got %d, want 42", ret, *value)
		}
		s.Close()
		wantCensus(t, before, "after Close")
	}
}

// Two skeletons of one object cannot both have the address that the source asks for.
func TestArenaAddressTaken(t *testing.T) {
	spec := generate(t, withArena(arenaAddress))
	before := settledCensus(t)
	first, err := runtime.Load(spec, nil)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	err = loadDirectly(spec)
	var failure *runtime.LoadError
	if !errors.As(err, &failure) {
		t.Fatalf("got %v", err)
	}
	wantError(t, err, failure.Errno, "map the contents of m", "at address 0x100000010000 (map_extra)")
	first.Close()
	if err := loadDirectly(spec); err != nil {
		t.Errorf("after the first was closed: %+v", err)
	}
	wantCensus(t, before, "at the end")
}

// If a load fails after it has created an arena, the arena is unmapped.
func TestArenaIsUnmappedAfterFailure(t *testing.T) {
	obj := withArena(0)
	obj.Externs[0].Name, obj.Externs[0].KernelName = "no_such", "no_such"
	spec := generate(t, obj)
	before := settledCensus(t)
	wantError(t, loadDirectly(spec), unix.ENOENT, "find kfunc no_such")
	wantCensus(t, before, "after the failure")
}

// withGlobals returns an object with an arena of four pages, the first two of which hold global
// variables, and a program that increments the second page's variable and returns it:
//
//	r1 = &arena[8]
//	r1 = addr_space_cast(r1, 0, 1)
//	r0 = *(u64 *)r1
//	r0 += 1
//	*(u64 *)r1 = r0
//	return r0
func withGlobals(flags uint32) *object.Object {
	obj := oneProgram(object.Program{
		Type: sys.ProgTypeSyscall, Flags: sys.FlagSleepable,
		Insns: []object.Insn{
			{Op: sys.OpLdImm64, Dst: 1, Src: sys.PseudoMapIdxValue},
			{Imm: 8},
			{Op: sys.OpMovReg, Dst: 1, Src: 1, Off: 1, Imm: 1},
			{Op: sys.OpLdx64, Src: 1},
			{Op: sys.OpAddImm, Imm: 1},
			{Op: sys.OpStx64, Dst: 1, Src: 0},
			{Op: sys.OpExit},
		},
	})
	data := make([]byte, 2*unix.Getpagesize())
	data[0], data[8], data[len(data)-1] = 1, 2, 3
	obj.Maps = oneMap(object.Map{Type: sys.MapTypeArena, Flags: sys.FlagMmapable | flags, MaxEntries: 4, Data: data}).Maps
	return obj
}

// An arena's global variables can be set before the load, also after a failed one. After the load
// the program and user space share them.
func TestArenaGlobals(t *testing.T) {
	spec := generate(t, withGlobals(0))
	size := 2 * unix.Getpagesize()
	before := settledCensus(t)
	s, err := runtime.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	globals := func() []byte { return unsafe.Slice((*byte)(s.Data(0)), size) }
	if g := globals(); g[0] != 1 || g[8] != 2 || g[size-1] != 3 {
		t.Errorf("the initial values are %d, %d and %d", g[0], g[8], g[size-1])
	}
	globals()[8] = 40
	s.Map(0).SetMaxEntries(1)
	want := "load test: map the contents of m: max_entries is too small for the arena's global variables"
	if err := s.Load(nil); err == nil || err.Error() != want {
		t.Errorf("with one page:\n got %v\nwant %s", err, want)
	}
	s.Map(0).SetMaxEntries(4)
	if err := s.Load(nil); err != nil {
		t.Fatalf("%+v", err)
	}
	fd, err := s.Program(0).DupFD()
	if err != nil {
		t.Fatal(err)
	}
	prog, err := ebpf.NewProgramFromFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	if ret, err := prog.Run(&ebpf.RunOptions{}); err != nil || ret != 41 {
		t.Errorf("the program found and returned %d, %v", ret, err)
	}
	globals()[8] = 50
	if ret, err := prog.Run(&ebpf.RunOptions{}); err != nil || ret != 51 {
		t.Errorf("the second time it returned %d, %v", ret, err)
	}
	prog.Close()
	if g := globals(); g[0] != 1 || g[8] != 51 || g[size-1] != 3 {
		t.Errorf("after the runs they are %d, %d and %d", g[0], g[8], g[size-1])
	}
	if s.Close(); s.Data(0) != nil {
		t.Error("Data outlives Close")
	}
	wantCensus(t, before, "after Close")
}

// Arena pages that user space cannot get are an error, not a signal. Here a flag forbids it to
// allocate them.
func TestArenaPagesRefused(t *testing.T) {
	spec := generate(t, withGlobals(sys.FlagSegvOnFault))
	before := settledCensus(t)
	wantError(t, loadDirectly(spec), unix.EFAULT, "map the contents of m")
	wantCensus(t, before, "after the failure")
}
