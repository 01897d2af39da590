//vmtest:all,5.10

package kindtest

import (
	"errors"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/managed"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Variables beside a lock are accessed as the single value of their map, which the kernel does not
// let user space map.
func TestManagedGlobals(t *testing.T) {
	s := opened(t, managed.Open)
	s.Data.Plain = 100
	change := func(m *runtime.MapChange) { m.ValueSize = 4096 }
	if err := runtime.ChangeMap(s.Core(), s.Maps.DataGuarded, change); err == nil {
		t.Error("the size of global data was changed")
	}
	err := s.Load()
	if errors.Is(err, sys.ENOTSUPP) {
		t.Fatalf("the section was mapped: %v", err)
	}
	since(t, err, "6.2", "locks in global variables")
	if err != nil {
		t.Fatalf("%+v", err)
	}
	res, err := s.Progs.Change.Test(runtime.SKBTest{Data: packet()})
	if err != nil || res.Return != 107 {
		t.Errorf("%d, %v, want 107: the initial value, and what was set before the load", res.Return, err)
	}
	values, err := runtime.TypedMap(s.Maps.DataGuarded, runtime.NewArrayMap[managed.Guarded])
	if err != nil {
		t.Fatal(err)
	}
	got, err := values.Lookup(0)
	if err != nil || got.Value != 9 || got.Changes != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := values.Update(0, managed.Guarded{Value: 5}, runtime.Locked); err != nil {
		t.Fatal(err)
	}
	if res, err := s.Progs.Change.Test(runtime.SKBTest{Data: packet()}); err != nil || res.Return != 105 {
		t.Errorf("%d, %v, want 105", res.Return, err)
	}
}
