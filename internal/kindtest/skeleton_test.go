//vmtest:all,5.10

package kindtest

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/tables"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Values set before the load reach the programs, values that programs write are visible, and after
// Close there are none.
func TestGlobals(t *testing.T) {
	s := opened(t, tables.Open)
	if s.Rodata.Factor != 2 || s.Bss.Runs != 0 {
		t.Errorf("initial values %d, %d", s.Rodata.Factor, s.Bss.Runs)
	}
	s.Rodata.Factor, s.Bss.Runs = 10, 1000
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	if err := s.Maps.Hash.Update(1, single, runtime.Any); err != nil {
		t.Fatal(err)
	}
	run(t, s.Progs.DoubleHash, 0)
	if v, err := s.Maps.Hash.Lookup(2); err != nil || v.Packets != 10*single.Packets {
		t.Errorf("value %v, %v", v, err)
	}
	if n := atomic.LoadUint64(&s.Bss.Runs); n != 1001 {
		t.Errorf("%d runs", n)
	}
	atomic.StoreUint64(&s.Bss.Runs, 5)
	run(t, s.Progs.DoubleHash, 0)
	if n := atomic.LoadUint64(&s.Bss.Runs); n != 6 {
		t.Errorf("%d runs after a write of 5", n)
	}
	if frozen, err := s.Maps.Rodata.Frozen(); err != nil || !frozen {
		t.Errorf("read-only data is frozen: %v, %v", frozen, err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s.Rodata != nil || s.Bss != nil {
		t.Error("the globals are accessible after Close")
	}
	if _, err := s.Maps.Hash.Lookup(2); !errors.Is(err, os.ErrClosed) {
		t.Errorf("lookup after Close: %v", err)
	}
}

// Each goroutine has a separate skeleton with separate values.
func TestSkeletonsAreIndependent(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	var group sync.WaitGroup
	for n := range uint64(4) {
		group.Go(func() {
			s, err := tables.Open()
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			s.Rodata.Factor = n
			if err := s.Load(); err != nil {
				t.Error(err)
				return
			}
			for i := range uint64(20) {
				if err := s.Maps.Hash.Update(1, tables.Counter{Packets: i}, runtime.Any); err != nil {
					t.Error(err)
				}
				if _, err := s.Progs.DoubleHash.Test(runtime.SKBTest{Data: packet()}); err != nil {
					t.Error(err)
				}
				if v, err := s.Maps.Hash.Lookup(2); err != nil || v.Packets != n*i {
					t.Errorf("skeleton %d: %v, %v, want %d packets", n, v, err, n*i)
				}
			}
			if runs := atomic.LoadUint64(&s.Bss.Runs); runs != 20 {
				t.Errorf("skeleton %d: %d runs", n, runs)
			}
		})
	}
	group.Wait()
}
