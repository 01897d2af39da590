//vmtest:all,5.10

package kindtest

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/tracing"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Load, Attach and Close may be called concurrently, as by a signal handler. Whichever comes first,
// nothing stays attached, and the race detector is silent.
func TestLoadAttachCloseConcurrently(t *testing.T) {
	var all []*runtime.Link
	var mu sync.Mutex
	for range 20 {
		s, err := tracing.Open()
		if err != nil {
			t.Fatal(err)
		}
		s.Progs.OnFormatted.SetAutoLoad(false) // it needs tracefs
		var group sync.WaitGroup
		for _, call := range []func() error{
			s.Load,
			s.Load,
			func() error { _, err := s.Attach(); return err },
			func() error { _, err := s.Attach(); return err },
			func() error { s.Detach(); return nil },
			s.Close,
			s.Close,
		} {
			group.Go(func() {
				if err := call(); err != nil && !errors.Is(err, os.ErrClosed) && !strings.Contains(err.Error(), "loaded") {
					t.Error(err)
				}
			})
		}
		group.Wait()
		mu.Lock()
		for _, l := range []*runtime.Link{s.Links.OnRaw, s.Links.OnTyped, s.Links.OnFormatted, s.Links.EachTask} {
			if l != nil {
				all = append(all, l)
			}
		}
		mu.Unlock()
		s.Close()
		if s.Links != (tracing.Links{}) || s.Bss != nil {
			t.Fatalf("after Close: %+v, %v", s.Links, s.Bss)
		}
	}
	for _, l := range all {
		if l.FD() >= 0 {
			t.Error("a link is still open")
		}
	}
}

// A zero skeleton returns an error instead of crashing.
func TestZeroSkeleton(t *testing.T) {
	var s tracing.Skeleton
	if err := s.Load(); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Load: %v", err)
	}
	if _, err := s.Attach(); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Attach: %v", err)
	}
	s.Detach()
	if err := s.Close(); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Close: %v", err)
	}
}
