//vmtest:all

package runtime_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
)

func openSpec(t *testing.T, spec *runtime.Spec) *runtime.Skeleton {
	t.Helper()
	s, err := runtime.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func indexOf(t *testing.T, spec *runtime.Spec, name string) int {
	t.Helper()
	i := slices.IndexFunc(spec.Maps, func(m runtime.MapSpec) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no map %s", name)
	}
	return i
}

// A change shows in the kernel and in the map's own description.
func TestChangeMap(t *testing.T) {
	spec := generate(t, oneMap(object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 3, Flags: sys.FlagNoPrealloc}))
	blob := spec.Blob
	s := openSpec(t, spec)
	m := s.Map(0)
	m.SetMaxEntries(5)
	if err := runtime.ChangeMap(s, m, func(c *runtime.MapChange) {
		if want := (runtime.MapChange{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 5, Flags: sys.FlagNoPrealloc}); *c != want {
			t.Errorf("before: %+v, want %+v", *c, want)
		}
		*c = runtime.MapChange{Type: sys.MapTypeLRUPerCPUHash, KeySize: 6, ValueSize: 24, MaxEntries: 4096, Flags: sys.FlagNoCommonLRU}
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(nil); err != nil {
		t.Fatalf("%+v", err)
	}
	info, err := m.Info()
	if err != nil || info.Type != sys.MapTypeLRUPerCPUHash || info.KeySize != 6 || info.ValueSize != 24 ||
		info.MaxEntries < 4096 || info.Flags != sys.FlagNoCommonLRU { // the kernel rounds entries up for all CPUs
		t.Errorf("%+v, %v", info, err)
	}
	if d := m.Spec(); d.Type != sys.MapTypeLRUPerCPUHash || d.KeySize != 6 || d.ValueSize != 24 || m.MaxEntries() != 4096 {
		t.Errorf("%+v, %d entries", d, m.MaxEntries())
	}
	typed, err := runtime.TypedMap(m, runtime.NewPerCPUHashMap[[6]byte, [3]uint64])
	if err != nil {
		t.Fatal(err)
	}
	key, values := [6]byte{1, 2, 3, 4, 5, 6}, make([][3]uint64, 0)
	cpus, err := runtime.PossibleCPUs()
	if err != nil {
		t.Fatal(err)
	}
	for i := range cpus {
		values = append(values, [3]uint64{uint64(i), 7, 8})
	}
	if err := typed.Update(key, values, runtime.Any); err != nil {
		t.Fatal(err)
	}
	got, err := typed.Lookup(key)
	if err != nil || !slices.Equal(got, values) {
		t.Errorf("%v, %v, want %v", got, err, values)
	}
	if spec.Maps[0].Type != sys.MapTypeHash || spec.Blob != blob {
		t.Error("the object itself was changed")
	}
	if err := runtime.ChangeMap(s, m, func(c *runtime.MapChange) { c.MaxEntries++ }); err == nil || err.Error() != "map m: change: already loaded" {
		t.Errorf("after the load: %v", err)
	}
}

// After a failed load the map can be changed again, as the hint suggests.
func TestChangeMapAfterFailure(t *testing.T) {
	for _, tt := range []struct {
		name   string
		m      object.Map
		hint   string
		change func(*runtime.MapChange)
	}{
		{"key", object.Map{Type: sys.MapTypeHash, ValueSize: 8, MaxEntries: 1}, "its key", func(c *runtime.MapChange) { c.KeySize = 4 }},
		{"value", object.Map{Type: sys.MapTypeQueue, MaxEntries: 1}, "its value", func(c *runtime.MapChange) { c.ValueSize = 4 }},
		{
			"flag",
			object.Map{Type: sys.MapTypeLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 1},
			"its flag BPF_F_NO_PREALLOC", func(c *runtime.MapChange) { c.Flags |= sys.FlagNoPrealloc },
		},
		{
			"inner map",
			object.Map{Type: sys.MapTypeHashOfMaps, KeySize: 8, ValueSize: 4, MaxEntries: 4},
			"does not define its inner maps",
			func(c *runtime.MapChange) {
				c.Inner = &runtime.InnerChange{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 2}
			},
		},
		{
			"inner map's entries", object.Map{
				Type: sys.MapTypeArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 4,
				Inner: &object.Map{Name: "inner", KernelName: "inner", Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8},
			}, "its inner map's max_entries", func(c *runtime.MapChange) { c.Inner.MaxEntries = 8 },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := openFDs(t)
			s := openSpec(t, generate(t, oneMap(tt.m)))
			wantError(t, s.Load(nil), unix.EINVAL, tt.hint, "ChangeMap before Load)")
			if err := runtime.ChangeMap(s, s.Map(0), tt.change); err != nil {
				t.Fatal(err)
			}
			if err := s.Load(nil); err != nil {
				t.Fatalf("%+v", err)
			}
			s.Close()
			if after := openFDs(t); after != before {
				t.Errorf("%d files are open, %d before", after, before)
			}
		})
	}
}

// A map of maps without a template in the source gets the one that the caller sets, and accepts
// only maps like it.
func TestChangeMapInner(t *testing.T) {
	s := openSpec(t, generate(t, oneMap(object.Map{Type: sys.MapTypeArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 4})))
	outer, err := runtime.TypedMap(s.Map(0), func(m *runtime.Map) *runtime.ArrayOfMaps[*runtime.HashMap[uint64, uint16]] {
		return runtime.NewArrayOfMaps(m, &impl.InnerSpec{}, runtime.NewHashMap[uint64, uint16])
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint32{5, 9} { // the second change replaces the first
		if err := runtime.ChangeMap(s, outer, func(c *runtime.MapChange) {
			if n == 9 && (c.Inner == nil || c.Inner.MaxEntries != 5) {
				t.Errorf("after the first change: %+v", c.Inner)
			}
			c.Inner = &runtime.InnerChange{Type: sys.MapTypeHash, KeySize: 8, ValueSize: 2, MaxEntries: n}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Load(nil); err != nil {
		t.Fatalf("%+v", err)
	}
	for _, opts := range []*runtime.InnerOptions{nil, {MaxEntries: 20, Name: "larger"}} {
		want, name := uint32(9), "m.inner"
		if opts != nil {
			want, name = opts.MaxEntries, opts.Name
		}
		inner, err := outer.NewInner(opts)
		if err != nil {
			t.Fatal(err)
		}
		defer inner.Close()
		if info, err := inner.Map.Untyped().Info(); err != nil || info.MaxEntries != want || info.Name != name || info.KeySize != 8 || inner.Map.MaxEntries() != want {
			t.Errorf("%+v, %v, want %d entries", info, err, want)
		}
		if err := outer.Update(1, inner.Map); err != nil {
			t.Errorf("of %d entries: %v", want, err)
		}
	}
}

// Arrays of different sizes fit in one map of maps if both they and the template have
// BPF_F_INNER_MAP, which ChangeMap sets.
func TestChangeMapInnerFlags(t *testing.T) {
	spec := compiled(t, "map_in_map")
	s := openSpec(t, spec)
	table := s.Map(indexOf(t, spec, "table"))
	change := func(name string, change func(*runtime.MapChange)) {
		t.Helper()
		if err := runtime.ChangeMap(s, s.Map(indexOf(t, spec, name)), change); err != nil {
			t.Fatal(err)
		}
	}
	const innerMap = sys.FlagInnerMap
	change("table", func(c *runtime.MapChange) { c.Inner.Flags |= innerMap; c.MaxEntries = 6 })
	change("left", func(c *runtime.MapChange) { c.Flags |= innerMap; c.MaxEntries = 7 })
	change("right", func(c *runtime.MapChange) { c.LeaveOut = true })
	if err := s.Load(nil); err != nil {
		t.Fatalf("%+v", err)
	}
	outer, err := runtime.TypedMap(table, func(m *runtime.Map) *runtime.ArrayOfMaps[*runtime.ArrayMap[uint64]] {
		return runtime.NewArrayOfMaps(m, &impl.InnerSpec{}, runtime.NewArrayMap[uint64])
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, false, true} { // left, nothing, right, left
		if _, err := outer.LookupID(uint32(i)); (err == nil) != want {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	inner, err := outer.NewInner(&runtime.InnerOptions{MaxEntries: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	if err := errors.Join(outer.Update(5, inner.Map), inner.Map.Update(99, 1, runtime.Any)); err != nil {
		t.Error(err)
	}
	right := s.Map(indexOf(t, spec, "right"))
	if _, err := right.DupFD(); !errors.Is(err, os.ErrClosed) || right.FD() != -1 {
		t.Errorf("map that was left out: %d, %v", right.FD(), err)
	}
}

// using returns an object with two maps and two programs. One program uses the second map if a
// global number is not 0, the other uses none.
func using(number int32) *object.Object {
	obj := oneProgram(object.Program{Insns: []object.Insn{
		{Op: sys.OpMovImm, Dst: 0, Imm: number},
		{Op: sys.JMP | sys.JEQ, Dst: 0, Off: 8},
		{Op: sys.OpMovReg, Dst: 2, Src: 10},
		{Op: sys.OpAddImm, Dst: 2, Imm: -8},
		{Op: sys.ST | sys.MEM | sys.DW, Dst: 10, Off: -8},
		{Op: sys.OpLdImm64, Dst: 1, Src: sys.PseudoMapIdx, Imm: 1},
		{},
		{Op: sys.OpCall, Imm: 1}, // bpf_map_lookup_elem
		{Op: sys.OpMovImm, Dst: 0, Imm: 1},
		{Op: sys.OpExit},
		{Op: sys.OpMovImm, Dst: 0, Imm: 2},
		{Op: sys.OpExit},
	}})
	other := returnsZero
	other.Name, other.Section, other.AutoLoad, other.Type = "other", "tc", true, sys.ProgTypeSchedCLS
	obj.Programs = append(obj.Programs, &other)
	for _, name := range []string{"first", "second"} {
		m := array
		m.Name, m.KernelName = name, name
		obj.Maps = append(obj.Maps, &m)
	}
	return obj
}

// A program that uses an omitted map fails to load, with an error that names the map. Other
// programs load, and so does one that cannot reach the code that uses it.
func TestLeaveMapOut(t *testing.T) {
	out := func(c *runtime.MapChange) { c.LeaveOut = true }
	open := func(number int32) *runtime.Skeleton {
		s := openSpec(t, generate(t, using(number)))
		if err := runtime.ChangeMap(s, s.Map(1), out); err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := openFDs(t)
	s := open(1)
	wantError(t, s.Load(nil), unix.EINVAL, "load program prog", "it uses map second, which is not created")
	s.Program(0).SetAutoLoad(false)
	if err := s.Load(nil); err != nil {
		t.Errorf("without the program: %+v", err)
	}
	if s.Map(0).FD() < 0 || s.Map(1).FD() >= 0 || s.Program(1).FD() < 0 {
		t.Errorf("maps %d and %d, programs %d and %d", s.Map(0).FD(), s.Map(1).FD(), s.Program(0).FD(), s.Program(1).FD())
	}
	s.Close()

	s = open(0)
	if err := s.Load(nil); err != nil {
		t.Fatalf("%+v", err)
	}
	result, err := (runtime.SchedCLSProgram{Program: s.Program(0)}).Test(runtime.SKBTest{Data: make([]byte, 64)})
	if err != nil || result.Return != 2 {
		t.Errorf("the program that does not reach the map: %+v, %v", result, err)
	}
	s.Close()

	// The unchanged object does load, so that is not the reason.
	s = openSpec(t, generate(t, using(1)))
	if err := s.Load(nil); err != nil {
		t.Errorf("%+v", err)
	}
	s.Close()
	if after := openFDs(t); after != before {
		t.Errorf("%d files are open, %d before", after, before)
	}

	s = open(0)
	if err := runtime.ChangeMap(s, s.Map(1), func(*runtime.MapChange) {}); err == nil || err.Error() != "map second: change: already left out" {
		t.Errorf("second load: %v", err)
	}
}

// Every map except for those of global variables can be left out, whatever fills, freezes or
// contains it.
func TestLeaveOutEveryMap(t *testing.T) {
	for _, name := range []string{"map_in_map", "map_in_map_shared", "prog_array", "prog_arrays", "big_200_maps", "storage_task"} {
		t.Run(name, func(t *testing.T) {
			spec := compiled(t, name)
			s := openSpec(t, spec)
			for i := range spec.Programs {
				s.Program(i).SetAutoLoad(false)
			}
			left := 0
			for i := range spec.Maps {
				err := runtime.ChangeMap(s, s.Map(i), func(c *runtime.MapChange) { c.LeaveOut = true })
				if spec.Maps[i].Kind != 0 {
					if err == nil || !strings.Contains(err.Error(), "holds global variables") {
						t.Errorf("%s: %v", spec.Maps[i].Name, err)
					}
					continue
				}
				if err != nil {
					t.Error(err)
				}
				left++
			}
			if err := s.Load(nil); err != nil {
				t.Fatalf("%+v", err)
			}
			for i := range spec.Maps {
				if got, want := s.Map(i).FD() >= 0, spec.Maps[i].Kind != 0; got != want {
					t.Errorf("map %s exists: %v", spec.Maps[i].Name, got)
				}
			}
			if left == 0 {
				t.Error("nothing to leave out")
			}
		})
	}
}

func TestChangeMapRefuses(t *testing.T) {
	hash := object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 3}
	s, other := openSpec(t, generate(t, oneMap(hash))), openSpec(t, generate(t, oneMap(hash)))
	typed := runtime.NewHashMap[uint32, uint64](s.Map(0))
	for _, tt := range []struct {
		m      runtime.AnyMap
		change func(*runtime.MapChange)
		want   string
	}{
		{typed, func(c *runtime.MapChange) { c.KeySize = 8 }, "map m: change: the Go type for keys has 4 bytes, not 8: set the size in the source"},
		{typed, func(c *runtime.MapChange) { c.ValueSize = 4 }, "map m: change: the Go type for values has 8 bytes, not 4: set the size in the source"},
		{typed.Untyped(), func(c *runtime.MapChange) { c.ValueSize = 4 }, "map m: change: the Go type for values has 8 bytes, not 4: set the size in the source"},
		{typed, func(c *runtime.MapChange) { c.Type = sys.MapTypePerCPUHash }, "map m: change: the map's Go type is for type hash, not percpu_hash: set the type in the source"},
		{typed, func(c *runtime.MapChange) { c.Type = sys.MapTypeTaskStorage }, "map m: change: cannot change type hash to task_storage at run time: set the type in the source"},
		{typed, func(c *runtime.MapChange) { c.Inner = new(runtime.InnerChange) }, "map m: change: Inner is set: only a map of maps can have it"},
		{other.Map(0), func(*runtime.MapChange) {}, "map m: change: the map belongs to another skeleton"},
		{typed, func(c *runtime.MapChange) { c.Type = sys.MapTypeLRUHash }, ""},
	} {
		err := runtime.ChangeMap(s, tt.m, tt.change)
		if got := ""; err != nil {
			if got = err.Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		} else if tt.want != "" {
			t.Errorf("no error, want %s", tt.want)
		}
	}
	if err := s.Load(nil); err != nil {
		t.Fatalf("%+v", err)
	}
	if err := typed.Update(1, 2, runtime.NoExist); err != nil {
		t.Error(err)
	}
	if v, err := typed.Lookup(1); err != nil || v != 2 {
		t.Errorf("%d, %v", v, err)
	}
	s.Close()
	if err := runtime.ChangeMap(s, typed, func(*runtime.MapChange) {}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := runtime.ChangeMap(nil, typed, func(*runtime.MapChange) {}); err == nil {
		t.Error("no error for a nil skeleton")
	}
	globals := openSpec(t, compiled(t, "globals"))
	if err := runtime.ChangeMap(globals, globals.Map(0), func(c *runtime.MapChange) { c.ValueSize = 1 }); err == nil ||
		!strings.Contains(err.Error(), "holds global variables") {
		t.Errorf("globals: %v", err)
	}
}

func TestChangeMapSigned(t *testing.T) {
	s := openSpec(t, signedSpec(t, "map_only"))
	err := runtime.ChangeMap(s, s.Map(0), func(c *runtime.MapChange) { c.MaxEntries++ })
	if !errors.Is(err, runtime.ErrSigned) {
		t.Errorf("%v", err)
	}
}
