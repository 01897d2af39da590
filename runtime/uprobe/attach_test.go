//vmtest:all,5.10

package uprobe_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/errtype"
	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/probes"
	"github.com/bpf2lskel/bpf2lskel/internal/probedfile"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/uprobe"
)

// The probed functions begin with a push, which the kernel emulates. Other instructions it executes
// step by step, and where an emulator makes it repeat one, a return probe can kill the process
// ("failed to handle tail call").
//
//go:noinline
//go:nosplit
//go:norace
func probedFunction(n int) int { return n + os.Getpid() }

//go:noinline
//go:nosplit
//go:norace
func probedToo(n int) int { return n - os.Getpid() }

// serveUSDT is the main function of the process in USDT tests; nil if there are no such tests.
var serveUSDT func()

// The test binary is also the probed process, which calls the functions when its input ends.
func TestMain(m *testing.M) {
	if os.Getenv("PROBED") == "usdt" && serveUSDT != nil {
		serveUSDT()
		os.Exit(0)
	}
	if os.Getenv("PROBED") != "" {
		_, _ = io.Copy(io.Discard, os.Stdin)
		fmt.Println(probedFunction(1) + probedToo(1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// probedFile is a copy of this binary with symbols.
func probedFile(t *testing.T) string {
	t.Helper()
	return probedfile.Write(t, "libprobed.so.1", map[string]any{"probed_function": probedFunction, "probed_too": probedToo})
}

// probed starts the process and returns a function that makes it call the functions.
func probed(t *testing.T, file string) (pid int, run func()) {
	t.Helper()
	cmd := exec.Command(file)
	// Nothing may walk the stack of a Go function while the kernel has replaced its return address.
	cmd.Env = append(os.Environ(), "PROBED=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run = func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	return cmd.Process.Pid, run
}

func needUprobes(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if _, err := os.Stat("/sys/bus/event_source/devices/uprobe"); err != nil {
		guest.NotHere(t, "no uprobes: %v", err)
	}
	if reflect.TypeFor[uintptr]().Size() != 8 {
		guest.NotHere(t, "the file that is probed is made with symbols of 64 bits")
	}
}

func loadProbes(t *testing.T, pid int, multi bool) *probes.Skeleton {
	t.Helper()
	s, err := probes.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.Rodata.Pid = uint32(pid)
	s.Progs.OnNamed.SetAutoLoad(true)
	s.Progs.OnUsers.SetAutoLoad(multi)
	s.Progs.OnMatched.SetAutoLoad(multi)
	if err := s.Load(); err != nil {
		if multi && errors.Is(err, unix.EINVAL) {
			guest.NotHere(t, "no uprobe.multi: %v", err)
		}
		t.Fatalf("%+v", err)
	}
	return s
}

// cookie returns 0 for kernels that have no cookies, which came with links of perf events (5.15).
func cookie(n uint64) uint64 {
	if sys.KernelVersion().Before(sys.Version{5, 15}) {
		return 0
	}
	return n
}

func TestAttach(t *testing.T) {
	needUprobes(t)
	file := probedFile(t)
	t.Setenv("LD_LIBRARY_PATH", filepath.Dir(file))
	opened, err := uprobe.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, attach := range map[string]func(p runtime.UprobeProgram, pid int) (*runtime.Link, error){
		"by path": func(p runtime.UprobeProgram, pid int) (*runtime.Link, error) {
			return uprobe.Attach(p, file, "probed_function", &uprobe.Options{PID: pid, Cookie: cookie(5)})
		},
		"by name": func(p runtime.UprobeProgram, pid int) (*runtime.Link, error) {
			return uprobe.Attach(p, "libprobed.so.1", "probed_function", &uprobe.Options{PID: pid, Cookie: cookie(5)})
		},
		"of a file": func(p runtime.UprobeProgram, _ int) (*runtime.Link, error) {
			return opened.Attach(p, "probed_function", &uprobe.Options{Cookie: cookie(5)})
		},
		"return": func(p runtime.UprobeProgram, pid int) (*runtime.Link, error) {
			return opened.AttachReturn(p, "probed_too", &uprobe.Options{PID: pid, Cookie: cookie(5)})
		},
		"by address": func(p runtime.UprobeProgram, pid int) (*runtime.Link, error) {
			address := uint64(reflect.ValueOf(probedFunction).Pointer())
			return uprobe.Attach(p, file, "", &uprobe.Options{PID: pid, Cookie: cookie(5), Address: address})
		},
	} {
		t.Run(name, func(t *testing.T) {
			pid, run := probed(t, file)
			s := loadProbes(t, pid, false)
			l, err := attach(s.Progs.OnUser, pid)
			if err != nil {
				run()
				t.Fatal(err)
			}
			defer l.Close()
			run()
			// More than once if an emulator restarts the probed instruction.
			if n := atomic.LoadUint64(&s.Bss.User); n == 0 || s.Bss.Cookie != cookie(5) {
				t.Errorf("%d calls seen, cookie %d", n, s.Bss.Cookie)
			}
		})
	}

	t.Run("by section", func(t *testing.T) {
		pid, run := probed(t, file)
		s := loadProbes(t, pid, false)
		l, err := uprobe.AttachSection(s.Progs.OnNamed, &uprobe.Options{Cookie: cookie(5)})
		if err != nil {
			run()
			t.Fatal(err)
		}
		defer l.Close()
		run()
		if n := atomic.LoadUint64(&s.Bss.User); n == 0 || s.Bss.Cookie != cookie(5) {
			t.Errorf("%d calls seen, cookie %d", n, s.Bss.Cookie)
		}
		if _, err := uprobe.AttachSection(s.Progs.OnUser, nil); !errors.Is(err, runtime.ErrNoAttachTarget) {
			t.Errorf("a section without a target: %v", err)
		}
	})

	// Calls in another process are not seen.
	s := loadProbes(t, os.Getpid(), false)
	l, err := uprobe.Attach(s.Progs.OnUser, file, "probed_function", &uprobe.Options{PID: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, run := probed(t, file)
	run()
	if n := atomic.LoadUint64(&s.Bss.User); n != 0 {
		t.Errorf("%d calls seen in another process", n)
	}
}

// tooOld skips the test if the kernel is too old, which the error must say.
func tooOld(t *testing.T, err error) {
	t.Helper()
	if e, ok := errtype.Of[*runtime.ProgramError](err); ok && strings.Contains(e.Hint, "BPF_TRACE_UPROBE_MULTI needs Linux 6.6") {
		guest.NotHere(t, "%v", err)
	}
}

func TestAttachMulti(t *testing.T) {
	needUprobes(t)
	file := probedFile(t)
	t.Setenv("LD_LIBRARY_PATH", filepath.Dir(file))
	t.Run("by section", func(t *testing.T) {
		pid, run := probed(t, file)
		s := loadProbes(t, pid, true)
		l, err := uprobe.AttachSectionMulti(s.Progs.OnMatched, nil)
		if err != nil {
			run()
			tooOld(t, err)
			t.Fatal(err)
		}
		defer l.Close()
		run()
		if n := atomic.LoadUint64(&s.Bss.User); n < 2 {
			t.Errorf("%d returns seen", n)
		}
	})
	for name, symbols := range map[string][]string{"pattern": {"probed_*"}, "list": {"probed_function", "probed_too"}} {
		t.Run(name, func(t *testing.T) {
			pid, run := probed(t, file)
			s := loadProbes(t, pid, true)
			cookies := slices.Repeat([]uint64{6}, len(symbols))
			l, err := uprobe.AttachMulti(s.Progs.OnUsers, file, symbols, &uprobe.MultiOptions{PID: pid, Cookies: cookies})
			if err != nil {
				run()
				tooOld(t, err)
				t.Fatal(err)
			}
			defer l.Close()
			run()
			if n := atomic.LoadUint64(&s.Bss.User); n < 2 || s.Bss.Cookie != 6 {
				t.Errorf("%d calls seen, cookie %d", n, s.Bss.Cookie)
			}
		})
	}
}

// Attach errors are like those of package runtime.
func TestErrors(t *testing.T) {
	var none runtime.UprobeProgram
	var noneMulti runtime.UprobeMultiProgram
	for name, attach := range map[string]func() (*runtime.Link, error){
		"no function": func() (*runtime.Link, error) { return uprobe.Attach(none, "/proc/self/exe", "no_such", nil) },
		"no file":     func() (*runtime.Link, error) { return uprobe.AttachReturn(none, "/nowhere", "main", nil) },
		"no library":  func() (*runtime.Link, error) { return uprobe.Attach(none, "libnone.so.1", "main", nil) },
		"no program": func() (*runtime.Link, error) {
			return uprobe.Attach(none, "/proc/self/exe", "", &uprobe.Options{Address: uint64(reflect.ValueOf(probedFunction).Pointer())})
		},
		"no section": func() (*runtime.Link, error) { return uprobe.AttachSection(none, nil) },
		"multi": func() (*runtime.Link, error) {
			return uprobe.AttachMulti(noneMulti, "/proc/self/exe", []string{"no_such*"}, nil)
		},
		"cookies": func() (*runtime.Link, error) {
			return uprobe.AttachReturnMulti(noneMulti, "/proc/self/exe", []string{"main.main"}, &uprobe.MultiOptions{Cookies: []uint64{1, 2}})
		},
	} {
		_, err := attach()
		if e, ok := errtype.Of[*runtime.ProgramError](err); !ok || !strings.HasPrefix(e.Op, "attach ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
