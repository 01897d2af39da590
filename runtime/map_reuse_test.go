//vmtest:all

package runtime_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

func loadSpec(t *testing.T, s *runtime.Skeleton) {
	t.Helper()
	if err := s.Load(nil); err != nil {
		t.Fatalf("%+v", err)
	}
}

func idOf(t *testing.T, m *runtime.Map) uint32 {
	t.Helper()
	id, err := m.ID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// mapsOf returns the IDs of a program's maps, according to the kernel.
func mapsOf(t *testing.T, s *runtime.Skeleton, program string) []uint32 {
	t.Helper()
	info, err := s.ProgramByName(program).Info()
	if err != nil {
		t.Fatal(err)
	}
	return info.MapIDs
}

func runTC(t *testing.T, s *runtime.Skeleton, program string) {
	t.Helper()
	if _, err := runtime.NewSchedCLSProgram(s.ProgramByName(program)).Test(runtime.SKBTest{Data: make([]byte, 64)}); err != nil {
		t.Fatal(err)
	}
}

// Two loads share a map and global variables, and the programs of both use them.
func TestReuseMap(t *testing.T) {
	spec := compiled(t, "map_values_shared")
	first, second := openSpec(t, spec), openSpec(t, spec)
	loadSpec(t, first)
	for _, name := range []string{"one", ".bss"} {
		if err := runtime.ReuseMap(second, second.MapByName(name), first.MapByName(name)); err != nil {
			t.Fatal(err)
		}
	}
	loadSpec(t, second)
	for _, m := range []string{"one", ".bss"} {
		if id := idOf(t, first.MapByName(m)); id != idOf(t, second.MapByName(m)) || !slices.Contains(mapsOf(t, second, "fill"), id) {
			t.Errorf("map %s is a different map", m)
		}
	}
	if id := idOf(t, first.MapByName("two")); id == idOf(t, second.MapByName("two")) || slices.Contains(mapsOf(t, second, "fill"), id) {
		t.Error("map two is shared, too")
	}
	runTC(t, first, "fill")
	runTC(t, second, "fill")
	found := func(s *runtime.Skeleton) uint64 { return *(*uint64)(s.Data(indexOf(t, spec, ".bss"))) }
	if found(first) != 8 || found(second) != 8 {
		t.Errorf("found is %d and %d, want 8", found(first), found(second))
	}
	one, err := runtime.TypedMap(first.MapByName("one"), runtime.NewHashMap[uint32, uint64])
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Delete(3); err != nil {
		t.Fatal(err)
	}
	first.Close()
	again, err := runtime.TypedMap(second.MapByName("one"), runtime.NewHashMap[uint32, uint64])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Lookup(3); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("after the first one's delete: %v", err)
	}
}

// A reused map has the size and flags of the existing map, and its contents, including read-only
// data.
func TestReusedMapDescription(t *testing.T) {
	existing, err := runtime.CreateMap(&runtime.MapSpec{
		Name: "a name that is long", Type: sys.MapTypeLRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 77, Flags: 0,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer existing.Close()
	s := openSpec(t, generate(t, oneMap(object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 3, Flags: sys.FlagNoPrealloc})))
	m := s.Map(0)
	if err := runtime.ReuseMap(s, m, existing); err != nil {
		t.Fatal(err)
	}
	loadSpec(t, s)
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	if d := m.Spec(); m.MaxEntries() != 77 || d.MaxEntries != 77 || d.Type != info.Type || d.Flags != info.Flags || d.Name != "m" {
		t.Errorf("%d entries, %+v; the kernel says %+v", m.MaxEntries(), d, info)
	}
	if d := s.Spec().Maps[0]; d.Type != sys.MapTypeHash || d.MaxEntries != 3 {
		t.Errorf("the object's map is %+v", d)
	}
}

// An incompatible map is refused at once, with the field and both values.
func TestReuseMapIncompatible(t *testing.T) {
	spec := generate(t, oneMap(object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 3}))
	for _, tt := range []struct {
		typ, key, value uint32
		want            runtime.IncompatibleMapError
		text            string
	}{
		{
			sys.MapTypeArray, 4, 8,
			runtime.IncompatibleMapError{Map: "m", Field: "type", Have: 2, Want: 1},
			"map m: reuse existing map: type of the existing map is array, but the object has hash",
		},
		{sys.MapTypeHash, 8, 8, runtime.IncompatibleMapError{Map: "m", Field: "key size", Have: 8, Want: 4}, "key size of the existing map is 8, but the object has 4"},
		{sys.MapTypeHash, 4, 16, runtime.IncompatibleMapError{Map: "m", Field: "value size", Have: 16, Want: 8}, "value size of the existing map is 16, but the object has 8"},
	} {
		s := openSpec(t, spec)
		existing, err := runtime.CreateMap(&runtime.MapSpec{Name: "other", Type: tt.typ, KeySize: tt.key, ValueSize: tt.value, MaxEntries: 1})
		if err != nil {
			t.Fatal(err)
		}
		err = runtime.ReuseMap(s, s.Map(0), existing)
		var got *runtime.IncompatibleMapError
		if !errors.As(err, &got) || got.Map != tt.want.Map || got.Field != tt.want.Field || got.Have != tt.want.Have || got.Want != tt.want.Want || got.Path != "" {
			t.Errorf("%v", err)
			continue
		}
		if !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%v, want %q", err, tt.text)
		}
		existing.Close()
	}
	// Global variables must be mappable, and read-only ones must be read-only for programs.
	globals := openSpec(t, compiled(t, "globals"))
	rodata := globals.MapByName(".rodata")
	plain, err := runtime.CreateMap(&runtime.MapSpec{Name: "plain", Type: sys.MapTypeArray, KeySize: 4, ValueSize: rodata.Spec().ValueSize, MaxEntries: 1, Flags: sys.FlagMmapable})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	err = runtime.ReuseMap(globals, rodata, plain)
	if want := "map .rodata: reuse existing map: map_flags of the existing map is 0x400, but the object has 0x480"; err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
}

// Misuse is an error that names the map, and leaves the skeleton unchanged.
func TestReuseMapMisuse(t *testing.T) {
	spec := compiled(t, "map_values_shared")
	s, other := openSpec(t, spec), openSpec(t, spec)
	for want, err := range map[string]error{
		"map one: reuse existing map: map one: duplicate fd: closed or not loaded": runtime.ReuseMap(s, s.MapByName("one"), other.MapByName("one")),
		"map two: reuse existing map: the map belongs to another skeleton":         runtime.ReuseMap(s, other.MapByName("two"), other.MapByName("one")),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	loadSpec(t, other)
	reuse := func(name string) error { return runtime.ReuseMap(s, s.MapByName(name), other.MapByName(name)) }
	if err := reuse(".bss"); err != nil {
		t.Fatal(err)
	}
	*(*uint64)(s.Data(indexOf(t, spec, ".bss"))) = 5
	err := s.Load(nil)
	var failed *runtime.LoadError
	if !errors.As(err, &failed) || failed.Op != "reuse map .bss" || !strings.Contains(err.Error(), "initial value was changed") {
		t.Errorf("with a variable set: %v", err)
	}
	*(*uint64)(s.Data(indexOf(t, spec, ".bss"))) = 0
	if err := runtime.ChangeMap(s, s.MapByName("two"), func(m *runtime.MapChange) { m.LeaveOut = true }); err != nil {
		t.Fatal(err)
	}
	if err := reuse("two"); err == nil || !strings.Contains(err.Error(), "left the map out") {
		t.Errorf("left out: %v", err)
	}
	if err := reuse("one"); err != nil {
		t.Fatal(err)
	}
	err = runtime.ChangeMap(s, s.MapByName("one"), func(m *runtime.MapChange) { m.MaxEntries++ })
	if err == nil || !strings.Contains(err.Error(), "existing map") {
		t.Errorf("changed afterwards: %v", err)
	}
	s.Close()
	if err := reuse("one"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	signed := openSpec(t, signedSpec(t, "map_array"))
	existing, err := runtime.CreateMap(signed.Map(0).Spec())
	if err != nil {
		t.Fatal(err)
	}
	defer existing.Close()
	if err := runtime.ReuseMap(signed, signed.Map(0), existing); !errors.Is(err, runtime.ErrSigned) {
		t.Errorf("signed: %v", err)
	}
}

// A failed load, on one thread or several, leaves the existing map open for the next one, and
// nothing else.
func TestReuseMapAfterFailures(t *testing.T) {
	spec := compiled(t, "bench_agent")
	for _, m := range []string{".bss", ".rodata"} {
		indexOf(t, spec, m)
	}
	first, s := openSpec(t, spec), openSpec(t, spec)
	loadSpec(t, first)
	for i := range spec.Maps {
		if err := runtime.ReuseMap(s, s.Map(i), first.Map(i)); err != nil {
			t.Fatal(err)
		}
	}
	before := settledCensus(t)
	for k := range spec.Steps {
		if spec.Steps[k].Kind != 9 { // StepLoadProgram
			continue
		}
		broken := breakStep(t, spec, k)
		b := openSpec(t, broken)
		for i := range spec.Maps {
			if err := runtime.ReuseMap(b, b.Map(i), first.Map(i)); err != nil {
				t.Fatal(err)
			}
		}
		checkBroken(t, broken, k, b.Load(nil))
		b.Close()
	}
	wantCensus(t, before, "after failed loads")
	loadSpec(t, s)
	for i := range spec.Maps {
		if idOf(t, s.Map(i)) != idOf(t, first.Map(i)) {
			t.Errorf("map %s is a different map", spec.Maps[i].Name)
		}
	}
}

// A reused map of maps keeps its contents, and a reused inner map is in the new map of maps.
func TestReuseMapsOfMaps(t *testing.T) {
	spec := compiled(t, "map_in_map")
	first := openSpec(t, spec)
	loadSpec(t, first)
	for _, name := range []string{"table", "left"} {
		s := openSpec(t, spec)
		if err := runtime.ReuseMap(s, s.MapByName(name), first.MapByName(name)); err != nil {
			t.Fatal(err)
		}
		loadSpec(t, s)
		var id uint32
		attr := sys.MapElemAttr{MapFd: uint32(s.MapByName("table").FD()), Key: sys.Addr(unsafe.Pointer(new(uint32))), Value: sys.Addr(unsafe.Pointer(&id))}
		if _, errno := sys.BPF(sys.CmdMapLookupElem, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); errno != 0 || id != idOf(t, first.MapByName("left")) {
			t.Errorf("%s given: entry 0 is map %d (%v), want %d", name, id, errno, idOf(t, first.MapByName("left")))
		}
		runTC(t, s, "look")
	}
}

// Maps can be reused from a file descriptor.
func TestMapFromFD(t *testing.T) {
	m, err := runtime.CreateMap(&runtime.MapSpec{Name: "m", Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 5})
	if err != nil {
		t.Fatal(err)
	}
	again, err := runtime.MapFromFD(m.FD())
	if err != nil {
		t.Fatal(err)
	}
	id := idOf(t, m)
	m.Close()
	if got := idOf(t, again); got != id || again.MaxEntries() != 5 {
		t.Errorf("map %d with %d entries", got, again.MaxEntries())
	}
	again.Close()
	if _, err := runtime.MapFromFD(0); err == nil || !strings.Contains(err.Error(), "not a map") {
		t.Errorf("a file: %v", err)
	}
	if _, err := runtime.MapFromFD(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("no file: %v", err)
	}
	for _, typ := range []uint32{sys.MapTypeHashOfMaps, sys.MapTypeArena} {
		if _, err := runtime.CreateMap(&runtime.MapSpec{Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 1}); err == nil || !strings.Contains(err.Error(), "define it in an object") {
			t.Errorf("type %d: %v", typ, err)
		}
	}
}
