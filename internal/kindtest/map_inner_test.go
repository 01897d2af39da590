//vmtest:all,5.10

package kindtest

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/innermaps"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// lacksLockedInnerMaps skips the rest of a test on kernels before 6.2, which do not support inner
// maps with locks.
func lacksLockedInnerMaps(t *testing.T, err error) {
	t.Helper()
	const enotsupp = syscall.Errno(524)
	if errors.Is(err, enotsupp) {
		t.Skipf("not on this kernel: inner maps with locks: %v", err)
	}
	t.Fatalf("%+v", err)
}

// NewInner creates a map like the object's template, with the BTF that locates a value's lock and
// the size that this machine requires.
func TestNewInnerIsLikeItsTemplate(t *testing.T) {
	s := opened(t, innermaps.Open)
	if err := s.Load(); err != nil {
		lacksLockedInnerMaps(t, err)
	}
	inner, err := s.Maps.Counters.NewInner(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	if err := s.Maps.Counters.Update(7, inner.Map, runtime.NoExist); err != nil {
		t.Fatal(err)
	}
	if ret := run(t, s.Progs.Count, 7); ret != 0 {
		t.Fatalf("the program returns %d", int32(ret))
	}
	if v, err := inner.Map.LookupLocked(0); err != nil || v.N != 10 {
		t.Errorf("counter 7: %+v, %v", v, err)
	}
	if v, err := s.Maps.Total.LookupLocked(0); err != nil || v.N != 1 {
		t.Errorf("total: %+v, %v", v, err)
	}

	ring, err := s.Maps.Rings.NewInner(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	if n, page := ring.Map.MaxEntries(), os.Getpagesize(); n < 5000 || int(n)%page != 0 {
		t.Errorf("a ring buffer of %d bytes, and pages of %d", n, page)
	}
	if err := s.Maps.Rings.Update(1, ring.Map); err != nil {
		t.Error(err)
	}
	if r, err := ring.Map.Reader(); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}

	s.Close()
	var failure *runtime.MapError
	if _, err := s.Maps.Counters.NewInner(nil); !errors.Is(err, os.ErrClosed) || !errors.As(err, &failure) {
		t.Errorf("after Close: %v", err)
	}
}

// Inner maps of other sizes keep the template's BTF, without which they would have no locks.
func TestNewInnerWithOtherSize(t *testing.T) {
	s := opened(t, innermaps.Open)
	if err := runtime.ChangeMap(s.Core(), s.Maps.Counters, func(m *runtime.MapChange) { m.Inner.Flags |= sys.FlagInnerMap }); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		change func(*runtime.InnerChange)
		want   string
	}{
		{func(c *runtime.InnerChange) { c.ValueSize = 16 }, "map counters: change: the Go type for inner maps' values has 8 bytes, not 16: set the size in the source"},
		{func(c *runtime.InnerChange) { c.Type = sys.MapTypeHash }, "map counters: change: the inner maps' Go type is for type array, not hash: set the type in the source"},
	} {
		for _, m := range []runtime.AnyMap{s.Maps.Counters, s.Maps.Counters.Untyped()} {
			err := runtime.ChangeMap(s.Core(), m, func(m *runtime.MapChange) { tt.change(m.Inner) })
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		}
	}
	if err := s.Load(); err != nil {
		lacksLockedInnerMaps(t, err)
	}
	inner, err := s.Maps.Counters.NewInner(&runtime.InnerOptions{MaxEntries: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	if err := s.Maps.Counters.Update(7, inner.Map, runtime.NoExist); err != nil {
		t.Fatal(err)
	}
	if ret := run(t, s.Progs.Count, 7); ret != 0 {
		t.Fatalf("the program returns %d", int32(ret))
	}
	if v, err := inner.Map.LookupLocked(0); err != nil || v.N != 10 {
		t.Errorf("counter 7: %+v, %v", v, err)
	}
	if v, err := inner.Map.LookupLocked(2); err != nil || v.N != 0 {
		t.Errorf("the last entry: %+v, %v", v, err)
	}
	ring, err := s.Maps.Rings.NewInner(&runtime.InnerOptions{MaxEntries: 70000})
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	if n := ring.Map.MaxEntries(); n < 70000 || n&(n-1) != 0 {
		t.Errorf("a ring buffer of %d bytes", n)
	}
}

func TestNewInnerBeforeTheLoad(t *testing.T) {
	s := opened(t, innermaps.Open)
	if _, err := s.Maps.Counters.NewInner(nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// Neither a failed load nor a closed one leaves the BTF for NewInner open.
func TestInnerMapBTFIsClosed(t *testing.T) {
	before := files(t)
	for range 3 {
		s := opened(t, innermaps.Open)
		if err := s.Load(); err != nil {
			lacksLockedInnerMaps(t, err)
		}
		s.Close()
		s = opened(t, innermaps.Open)
		s.Maps.Total.SetMaxEntries(0)
		if err := s.Load(); err == nil {
			t.Error("a map without entries was loaded")
		}
		s.Maps.Total.SetMaxEntries(1)
		if err := s.Load(); err != nil {
			t.Errorf("%+v", err)
		}
		s.Close()
	}
	if after := files(t); after != before {
		t.Errorf("%d files are open, %d before", after, before)
	}
}

func files(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
