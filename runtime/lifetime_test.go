package runtime_test

import (
	"errors"
	"os"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
)

func TestCloseGivesEverythingBack(t *testing.T) {
	for _, name := range []string{"globals_sections", "map_in_map", "timers", "storage_task"} {
		t.Run(name, func(t *testing.T) {
			spec := compiled(t, name)
			before := settledCensus(t)
			s, err := runtime.Open(spec)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Load(nil); err != nil {
				t.Fatal(err)
			}
			if err := s.Load(nil); err == nil {
				t.Error("a second load succeeded")
			}
			for range 2 {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			wantCensus(t, before, "after Close")
			if err := s.Load(nil); !errors.Is(err, os.ErrClosed) {
				t.Errorf("load after Close: %v", err)
			}
			for i := range spec.Maps {
				if s.Map(i).FD() != -1 || s.Data(i) != nil {
					t.Errorf("map %s is still open", s.Map(i).Name())
				}
			}
		})
	}
}

// A skeleton that is opened but never loaded frees its memory, too.
func TestCloseWithoutLoad(t *testing.T) {
	spec := compiled(t, "globals_sections")
	before := settledCensus(t)
	s, err := runtime.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	wantCensus(t, before, "after Close")
}

func TestForgottenSkeletonsAreClosed(t *testing.T) {
	spec := compiled(t, "globals_sections")
	before := settledCensus(t)
	for i := range 20 {
		s, err := runtime.Open(spec)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			continue
		}
		if err := s.Load(nil); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 { // finalizers may run late
		goruntime.GC()
		if now := takeCensus(t); len(now.Files) == len(before.Files) && len(now.Mappings) == len(before.Mappings) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	wantCensus(t, before, "after the garbage collector")
}

// A map that is in use keeps its skeleton's files open.
func TestMapOutlivesForgottenSkeleton(t *testing.T) {
	m := func() *runtime.ArrayMap[uint64] {
		s, err := runtime.Load(generate(t, oneMap(array)), nil)
		if err != nil {
			t.Fatal(err)
		}
		return runtime.NewArrayMap[uint64](s.Map(0))
	}()
	for range 5 {
		goruntime.GC()
	}
	if err := m.Update(0, 7, runtime.Any); err != nil {
		t.Fatal(err)
	}
	if v, err := m.Lookup(0); v != 7 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
}

// Using a map while it is closed returns an error. It never reaches another file that has got the
// same descriptor number.
func TestCloseDuringUse(t *testing.T) {
	spec := generate(t, oneMap(array))
	for range 20 {
		s, err := runtime.Load(spec, nil)
		if err != nil {
			t.Fatal(err)
		}
		m := runtime.NewArrayMap[uint64](s.Map(0))
		var users, begun sync.WaitGroup
		for range 8 {
			begun.Add(1)
			users.Go(func() {
				for i := 0; ; i++ {
					err := m.Update(0, 1, runtime.Any)
					if err == nil {
						_, err = m.Lookup(0)
					}
					if i == 0 {
						begun.Done()
					}
					if err != nil {
						if !errors.Is(err, os.ErrClosed) || errors.Is(err, unix.EBADF) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		begun.Wait()
		var closers sync.WaitGroup
		for range 4 {
			closers.Go(func() { s.Close() })
		}
		closers.Wait()
		users.Wait()
	}
}

// Concurrent calls of Close and Load are safe, in either order.
func TestCloseDuringLoad(t *testing.T) {
	spec := compiled(t, "globals_sections")
	before := settledCensus(t)
	for range 50 {
		s, err := runtime.Open(spec)
		if err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() {
			if err := s.Load(nil); err != nil && !errors.Is(err, os.ErrClosed) {
				t.Error(err)
			}
		})
		both.Go(func() { s.Close() })
		both.Wait()
		s.Close()
	}
	wantCensus(t, before, "after Close")
}

// If memory of global data cannot be mapped, the skeleton keeps its initial values at the same
// address and can be loaded again.
func TestFailureAfterLoaderKeepsInitialValues(t *testing.T) {
	spec := *compiled(t, "globals_sections")
	spec.Maps = append([]runtime.MapSpec(nil), spec.Maps...)
	broken := -1
	for i, m := range spec.Maps {
		if m.Kind == impl.ROData && m.Flags&sys.FlagMmapable != 0 {
			broken = i
		}
	}
	spec.Maps[broken].Kind = impl.Data // frozen: it cannot be mapped for writing
	before := settledCensus(t)
	s, err := runtime.Open(&spec)
	if err != nil {
		t.Fatal(err)
	}
	opened := takeCensus(t)
	var bytes [][]byte
	for i, m := range spec.Maps {
		if p := s.Data(i); p != nil {
			data := (*[1 << 16]byte)(p)[:m.ValueSize]
			data[0] ^= 0x55
			bytes = append(bytes, append([]byte(nil), data...))
		}
	}
	for range 2 {
		err = s.Load(nil)
		if !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "map the contents of "+spec.Maps[broken].Name) {
			t.Fatalf("got %v", err)
		}
		n := 0
		for i, m := range spec.Maps {
			if p := s.Data(i); p != nil {
				data := (*[1 << 16]byte)(p)[:m.ValueSize]
				if string(data) != string(bytes[n]) {
					t.Errorf("%s has changed", m.Name)
				}
				n++
			}
		}
		if n != len(bytes) {
			t.Errorf("%d areas of %d are left", n, len(bytes))
		}
	}
	if now := takeCensus(t); len(now.Files) != len(opened.Files) {
		t.Errorf("files %v, before %v", now.Files, opened.Files)
	}
	s.Close()
	wantCensus(t, before, "after Close")
}

// A map or program that is closed before the load stays closed, and nothing of it remains.
func TestCloseBeforeLoad(t *testing.T) {
	spec := compiled(t, "globals_sections")
	before := settledCensus(t)
	s, err := runtime.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	s.Map(0).Close()
	s.Program(0).Close()
	if err := s.Load(nil); err != nil {
		t.Fatal(err)
	}
	if m, p := s.Map(0).FD(), s.Program(0).FD(); m != -1 || p != -1 {
		t.Errorf("closed map and program have file descriptors %d and %d", m, p)
	}
	s.Close()
	wantCensus(t, before, "after Close")
}
