package codegen

import (
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/codegen/internal/live/skel"
)

// loadLive loads an opened skeleton, or skips the test.
func loadLive(t *testing.T, s *skel.Skeleton) {
	t.Helper()
	err := s.Load()
	if errors.Is(err, unix.EPERM) {
		t.Skip("not privileged to load BPF programs")
	}
	if err != nil {
		t.Fatal(err)
	}
}

func openLive(t *testing.T) *skel.Skeleton {
	t.Helper()
	s, err := skel.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func runLive(t *testing.T, s *skel.Skeleton, want uint32) {
	t.Helper()
	if got, err := s.Progs.Run.Run(); err != nil || got != want {
		t.Fatalf("run: %d, %v, want %d", got, err, want)
	}
}

// TestSkeleton follows a skeleton from Open to Close.
func TestSkeleton(t *testing.T) {
	s := openLive(t)
	if s.Rodata.Step != 1 || s.Data.Base != 100 || s.DataOwn.Own != 7 || s.Bss.Total != 0 {
		t.Errorf("initial values are %v %v %v %v", s.Rodata, s.Data, s.DataOwn, s.Bss)
	}
	s.Rodata.Step = 5
	s.Data.Base = 200
	s.Maps.Counts.SetMaxEntries(2)
	s.Progs.Pass.SetAutoLoad(false)
	loadLive(t, s)

	runLive(t, s, 0)
	if s.Rodata.Step != 5 || s.Bss.Total != 10 || s.DataOwn.Own != 9 {
		t.Errorf("values are %v %v %v", s.Rodata, s.DataOwn, s.Bss)
	}
	s.Data.Base = 300
	runLive(t, s, 0)
	c, err := s.Maps.Counts.Lookup(2)
	if err != nil || c != (skel.Count{Calls: 10, Last: 300, Mode: skel.ModeMODE_BUSY}) {
		t.Errorf("count is %v, %v", c, err)
	}
	if got := c.Mode.String() + " " + skel.Mode(9).String(); got != "MODE_BUSY Mode(9)" {
		t.Errorf("modes are %s", got)
	}
	if s.Progs.Pass.FD() >= 0 || s.Progs.OnSwitchToo.FD() >= 0 || s.Progs.OnSwitch.FD() < 0 {
		t.Error("the wrong programs are loaded")
	}

	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s.Rodata != nil || s.Data != nil || s.DataOwn != nil || s.Bss != nil {
		t.Error("pointers to global variables outlive Close")
	}
	if _, err := s.Maps.Counts.Lookup(1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("lookup after Close: %v", err)
	}
	if err := s.Load(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("load after Close: %v", err)
	}
}

// TestSkeletonDefaults loads without setting anything.
func TestSkeletonDefaults(t *testing.T) {
	s, err := skel.Load()
	if errors.Is(err, unix.EPERM) {
		t.Skip("not privileged to load BPF programs")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	runLive(t, s, 1) // the second key finds the map full
	if s.Bss.Total != 1 || s.DataOwn.Own != 8 {
		t.Errorf("values are %v %v", s.Bss, s.DataOwn)
	}
}

// TestSkeletonAttach attaches programs by their sections and checks that they run until they are
// detached.
func TestSkeletonAttach(t *testing.T) {
	s := openLive(t)
	loadLive(t, s)
	left, err := s.Attach()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(left)
	if want := []string{"on_switch_too", "pass", "run"}; !slices.Equal(left, want) {
		t.Errorf("not attached: %v, want %v", left, want)
	}
	if s.Links.OnSwitch == nil || s.Links.OnSwitchToo != nil {
		t.Errorf("links are %v", s.Links)
	}
	for deadline := time.Now().Add(10 * time.Second); atomic.LoadUint64(&s.Bss.Total) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the attached program does not run")
		}
	}
	if _, err := s.Attach(); err != nil {
		t.Errorf("attach again: %v", err)
	}
	s.Detach()
	time.Sleep(20 * time.Millisecond) // one run may have been in progress
	before := atomic.LoadUint64(&s.Bss.Total)
	time.Sleep(50 * time.Millisecond)
	if after := atomic.LoadUint64(&s.Bss.Total); after != before {
		t.Errorf("the program runs on after Detach: %d, %d", before, after)
	}
}

// TestSkeletonsAreIndependent uses several skeletons of one package at the same time.
func TestSkeletonsAreIndependent(t *testing.T) {
	s := openLive(t)
	loadLive(t, s)
	var group sync.WaitGroup
	for n := range uint64(8) {
		group.Go(func() {
			s, err := skel.Open()
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			s.Rodata.Step = uint32(n)
			s.Maps.Counts.SetMaxEntries(2)
			if err := s.Load(); err != nil {
				t.Error(err)
				return
			}
			for range 10 {
				if _, err := s.Progs.Run.Run(); err != nil {
					t.Error(err)
				}
			}
			if s.Bss.Total != 20*n {
				t.Errorf("total is %d, want %d", s.Bss.Total, 20*n)
			}
		})
	}
	group.Wait()
	if s.Bss.Total != 0 {
		t.Errorf("another skeleton's program counted here: %d", s.Bss.Total)
	}
}
