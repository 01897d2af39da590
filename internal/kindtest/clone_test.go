//vmtest:all,5.10

package kindtest

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/dispatch"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/targets"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// cloner loads the object with none of its programs, and returns a Cloner for one of them.
func cloner[P runtime.Clonable[P]](t *testing.T, s *targets.Skeleton, p P) *runtime.Cloner[P] {
	t.Helper()
	c, err := runtime.NewCloner(s.Core(), p)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func loadedTargets(t *testing.T) *targets.Skeleton {
	t.Helper()
	s := openTargets(t)
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	return s
}

// Two clones of a tracepoint program count in the skeleton's variable, and keep working after the
// Cloner is closed.
func TestClone(t *testing.T) {
	s := loadedTargets(t)
	c := cloner(t, s, s.Progs.OnTyped)
	for _, name := range []string{"sys_enter", "sys_exit"} {
		p, err := c.Clone(name)
		if err != nil {
			t.Fatalf("%+v", err)
		}
		defer p.Close()
		l, err := p.Attach(nil)
		ended(t, l, err)
		if to := p.Spec().AttachTo; to != name {
			t.Errorf("a clone for %s has the target %s", name, to)
		}
	}
	c.Close()
	before := atomic.LoadUint64(&s.Bss.Typed)
	_ = getpgid()
	if n := atomic.LoadUint64(&s.Bss.Typed) - before; n < 2 {
		t.Errorf("saw %d calls, want the entry and the exit", n)
	}
	if _, err := c.Clone("sys_enter"); !errors.Is(err, os.ErrClosed) {
		t.Error("a closed Cloner made a clone")
	}
}

// Errors name the clone that was refused, and other clones still work.
func TestCloneErrors(t *testing.T) {
	s := openTargets(t)
	if _, err := runtime.NewCloner(s.Core(), s.Progs.OnTyped); !errors.Is(err, os.ErrClosed) {
		t.Errorf("before Load: %v", err)
	}
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	other := loadedTargets(t)
	_, err := runtime.NewCloner(s.Core(), other.Progs.OnTyped)
	wantText(t, err, "another skeleton")
	if _, err = runtime.NewCloner(s.Core(), runtime.TracingProgram{}); err == nil {
		t.Error("created a Cloner for a nil program")
	}
	before := openFiles(t)
	c := cloner(t, s, s.Progs.OnTyped)
	_, err = c.Clone("no_such_tracepoint")
	wantText(t, err, "no_such_tracepoint", "on_typed")
	if !errors.Is(err, unix.ENOENT) {
		t.Errorf("no such tracepoint: %v", err)
	}
	if _, err := c.Clone(""); !errors.Is(err, unix.EINVAL) {
		t.Errorf("no name: %v", err)
	}
	p, err := c.Clone("sys_enter")
	if err != nil {
		t.Fatalf("%+v", err)
	}
	p.Close()
	c.Close()
	c.Close()
	if after := openFiles(t); after != before {
		t.Errorf("%d files before, %d after", before, after)
	}
	s.Close()
	if _, err := runtime.NewCloner(s.Core(), s.Progs.OnTyped); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Programs can be cloned concurrently.
func TestClonesConcurrently(t *testing.T) {
	s := loadedTargets(t)
	c := cloner(t, s, s.Progs.OnTyped)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 8 {
				p, err := c.Clone("sys_enter")
				if err != nil {
					t.Error(err)
					return
				}
				p.Close()
			}
		})
	}
	group.Wait()
}

// Each program of a machine can have a clone that is attached to it.
func TestCloneForProgram(t *testing.T) {
	d := loaded(t, dispatch.Open)
	s := loadedTargets(t)
	c := cloner(t, s, s.Progs.OnProgram)
	for _, target := range []runtime.XDPProgram{d.Progs.DispatchesPackets, d.Progs.Another} {
		p, err := c.CloneForProgram(target, "")
		notTraced(t, err)
		defer p.Close()
		l, err := p.Attach(nil)
		notTraced(t, err)
		ended(t, l, err)
	}
	dispatched(t, d.Progs.DispatchesPackets)
	dispatched(t, d.Progs.Another)
	if n := atomic.LoadUint64(&s.Bss.Traced); n != 2 {
		t.Errorf("counted %d, want 2", n)
	}
	replace := cloner(t, s, s.Progs.Drop)
	p, err := replace.CloneForProgram(d.Progs.Another, "verdict")
	notTraced(t, err)
	defer p.Close()
	l, err := p.Attach(nil)
	if err != nil { // functions of traced programs cannot be replaced
		t.Skipf("not on this kernel: %v", err)
	}
	ended(t, l, err)
	if got := dispatched(t, d.Progs.Another); got != runtime.XDPDrop {
		t.Errorf("%v, want XDP_DROP", got)
	}
}

// tracedFunctions returns functions that the kernel can trace.
func tracedFunctions(t *testing.T, prefix string, n int) []string {
	t.Helper()
	testfs.At(t, "tracefs", "/sys/kernel/tracing")
	f, err := os.Open("/sys/kernel/tracing/available_filter_functions")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var names []string
	for lines := bufio.NewScanner(f); lines.Scan() && len(names) < n; {
		name := lines.Text()
		if strings.HasPrefix(name, prefix) && !strings.ContainsAny(name, ".[ ") {
			names = append(names, name)
		}
	}
	return names
}

// Each of 256 functions in the kernel's list gets a clone.
func TestCloneForManyFunctions(t *testing.T) {
	guest.Only(t)
	if _, err := os.Stat("/proc/sys/net/core/bpf_jit_enable"); err != nil {
		guest.NotHere(t, "it has no JIT compiler, and so no programs at functions")
	}
	s := loadedTargets(t)
	c := cloner(t, s, s.Progs.OnEntry)
	functions := tracedFunctions(t, "security_", 300)
	loaded := 0
	for _, name := range functions {
		p, err := c.Clone(name)
		if err != nil {
			t.Logf("%v", err) // such as variadic functions
			continue
		}
		defer p.Close()
		if p.ID(); p.FD() > 0 {
			loaded++
		}
		if loaded == 256 {
			break
		}
	}
	if loaded < min(256, len(functions)*9/10) || loaded < 100 {
		t.Errorf("%d clones for %d functions", loaded, len(functions))
	}
	t.Logf("%d clones", loaded)
}
