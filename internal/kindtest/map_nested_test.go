//vmtest:all,5.10

package kindtest

import (
	"errors"
	"maps"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/nested"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

func TestMapArrayOfMaps(t *testing.T) {
	s := loaded(t, nested.Open)
	row, err := s.Maps.Rows.NewInner(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer row.Close()
	if err := errors.Join(
		row.Map.Update(0, 40, runtime.Any), row.Map.Update(1, 2, runtime.Any), s.Maps.Rows.Update(3, row.Map),
		s.Maps.FirstRow.Update(0, 30, runtime.Any), s.Maps.FirstRow.Update(1, 3, runtime.Any),
	); err != nil {
		t.Fatal(err)
	}
	run(t, s.Progs.AddRows, 0)
	if v, err := row.Map.Lookup(2); err != nil || v != 42 {
		t.Errorf("the new row: %d, %v", v, err)
	}
	// The object has a map at index 0 initially.
	first, err := s.Maps.Rows.Lookup(0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if v, err := first.Map.Lookup(2); err != nil || v != 33 {
		t.Errorf("the first row: %d, %v", v, err)
	}
	if id, err := s.Maps.FirstRow.ID(); err != nil || maps.Collect(s.Maps.Rows.Iterate().All())[0] != id {
		t.Errorf("IDs: %v, want %d first, %v", maps.Collect(s.Maps.Rows.Iterate().All()), id, err)
	}
	if err := s.Maps.Rows.Delete(3); err != nil {
		t.Error(err)
	}
	if _, err := s.Maps.Rows.Lookup(3); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("what was deleted: %v", err)
	}
}

func TestMapHashOfMaps(t *testing.T) {
	s := loaded(t, nested.Open)
	if ret := run(t, s.Progs.Enter, 5); ret != 1 {
		t.Error("found a group that was not created")
	}
	group, err := s.Maps.Groups.NewInner(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	if err := s.Maps.Groups.Update(7, group.Map, runtime.NoExist); err != nil {
		t.Fatal(err)
	}
	for mark := range uint32(3) {
		if ret := run(t, s.Progs.Enter, mark); ret != 0 {
			t.Fatalf("the program returns %d", int32(ret))
		}
	}
	again, err := s.Maps.Groups.Lookup(7)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	want := map[uint32]uint64{0: 64, 1: 64, 2: 64}
	if got := maps.Collect(again.Map.Iterate().All()); !maps.Equal(got, want) {
		t.Errorf("group 7: %v, want %v", got, want)
	}
	if err := s.Maps.Groups.Delete(8); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("delete of a missing key: %v", err)
	}
}
