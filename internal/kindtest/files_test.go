//vmtest:all,5.10

package kindtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	goruntime "runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/arena"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/cgroups"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/cgroupstorage"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/events"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/functions"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/inodestorage"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/nested"
	netskel "github.com/bpf2lskel/bpf2lskel/internal/kindtest/net"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/netfilter"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/probes"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/queues"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/redirects"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/sockets"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/stacks"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/tables"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/taskstorage"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/tracing"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// A filesCase is an operation that opens files. Preparation runs without a limit; if it fails, the
// kernel does not support the operation.
type filesCase struct {
	name   string
	before func() (do func() error, err error)
	load   bool // do is a load: it fails with a LoadError
}

// loadOf returns a case that loads a package.
func loadOf[S skeleton](name string, open func() (S, error)) filesCase {
	return filesCase{name, func() (func() error, error) {
		s, err := open()
		if err != nil {
			return nil, err
		}
		return s.Load, nil
	}, true}
}

// with returns a case that uses a loaded package.
func with[S skeleton](name string, open func() (S, error), do func(S) error) filesCase {
	return filesCase{name, func() (func() error, error) {
		s, err := open()
		if err == nil {
			err = s.Load()
		}
		return func() error { return do(s) }, err
	}, false}
}

func second[T any](_ T, err error) error { return err }

var filesCases = []filesCase{
	loadOf("arena", arena.Open), loadOf("cgroups", cgroups.Open), loadOf("cgroupstorage", cgroupstorage.Open),
	loadOf("events", events.Open), loadOf("functions", functions.Open), loadOf("inodestorage", inodestorage.Open),
	loadOf("nested", nested.Open), loadOf("net", netskel.Open), loadOf("netfilter", netfilter.Open),
	loadOf("probes", probes.Open), loadOf("queues", queues.Open), loadOf("redirects", redirects.Open),
	loadOf("sockets", sockets.Open), loadOf("stacks", stacks.Open), loadOf("tables", tables.Open),
	loadOf("taskstorage", taskstorage.Open), loadOf("tracing", tracing.Open),
	{"events without standard files", func() (func() error, error) {
		s, err := events.Open()
		if err != nil {
			return nil, err
		}
		return s.Load, errors.Join(unix.Close(0), unix.Close(2))
	}, true},

	with("ring buffer", events.Open, func(s *events.Skeleton) error { return second(s.Maps.Ring.Reader()) }),
	with("perf event array", events.Open, func(s *events.Skeleton) error {
		return second(s.Maps.Samples.Reader(runtime.PerfOptions{Pages: 1}))
	}),
	with("user ring buffer", events.Open, func(s *events.Skeleton) error { return second(s.Maps.Orders.Writer()) }),
	with("per-CPU map", tables.Open, func(s *tables.Skeleton) error { return second(s.Maps.PercpuArray.Lookup(0)) }),
	with("delete from a per-CPU map", tables.Open, func(s *tables.Skeleton) error { return s.Maps.PercpuHash.Delete(1) }),
	with("frozen", tables.Open, func(s *tables.Skeleton) error { return second(s.Maps.Rodata.Frozen()) }),
	with("inner map", nested.Open, func(s *nested.Skeleton) error { return second(s.Maps.Rows.NewInner(nil)) }),
	with("duplicate", nested.Open, func(s *nested.Skeleton) error { return second(s.Maps.Rows.Lookup(0)) }),
	{"pinned link", pinnedLink, false},
	// The targets of these cannot be attached to, which shows only after they are opened.
	with("cgroup", cgroups.Open, func(s *cgroups.Skeleton) error { return second(s.Progs.Leave.AttachCgroup("/proc", nil)) }),
	with("cgroup array", tracing.Open, func(s *tracing.Skeleton) error { return s.Maps.Groups.Update(0, "/proc") }),
	with("netns", sockets.Open, func(s *sockets.Skeleton) error { return second(s.Progs.Dissect.AttachNetNS("/proc/self/ns/uts", nil)) }),
	with("raw tracepoint", tracing.Open, func(s *tracing.Skeleton) error { return second(s.Progs.OnRaw.Attach(nil)) }),
	with("tracepoint", tracing.Open, func(s *tracing.Skeleton) error { return second(s.Progs.OnFormatted.Attach(nil)) }),
	with("iterator", tracing.Open, func(s *tracing.Skeleton) error { return second(s.Progs.EachTask.Open(nil)) }),
	with("iterator of a cgroup", tracing.Open, func(s *tracing.Skeleton) error {
		return second(s.Progs.EachTask.Open(&runtime.IterOptions{Cgroup: "/proc"}))
	}),
	with("all of a package", tracing.Open, func(s *tracing.Skeleton) error { return second(s.Attach()) }),
	with("kprobe", probes.Open, func(s *probes.Skeleton) error { return second(s.Progs.OnEntry.Attach(nil)) }),
	with("kprobes", probes.Open, func(s *probes.Skeleton) error { return second(s.Progs.OnMany.Attach(nil)) }),
	with("uprobe", probes.Open, func(s *probes.Skeleton) error {
		return second(s.Progs.OnUser.AttachUprobe("/proc/self/exe", 0x1000, nil))
	}),
}

// pinnedLink pins a link in a new BPF file system.
func pinnedLink() (func() error, error) {
	goruntime.LockOSThread() // the mount namespace belongs to the thread
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return nil, err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil && !errors.Is(err, unix.EINVAL) {
		return nil, err // EINVAL: the root of a guest's initramfs
	}
	const dir = "/sys/fs/bpf"
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		return nil, err
	}
	s, err := tracing.Open()
	if err == nil {
		err = s.Load()
	}
	if err != nil {
		return nil, err
	}
	l, err := s.Progs.OnRaw.Attach(nil)
	if err != nil {
		return nil, err
	}
	const pin = dir + "/link"
	return func() error { return second(runtime.OpenPinnedLink(pin)) }, l.Pin(pin)
}

// The environment of a process that runs a case.
const (
	filesCaseEnv = "BPF2LSKEL_FILES_CASE"
	filesMoreEnv = "BPF2LSKEL_FILES_MORE"
)

// filesResult is the output of such a process.
type filesResult struct {
	Before string // error of the preparation
	Error  string // "" if it succeeded
	Full   bool   // the error is EMFILE
	Load   bool   // the error is a LoadError, with a hint
}

func TestMain(m *testing.M) {
	if name, ok := os.LookupEnv(filesCaseEnv); ok {
		result, err := json.Marshal(runFilesCase(name, os.Getenv(filesMoreEnv)))
		if err != nil {
			panic(err)
		}
		unix.Write(1, result)
		unix.Exit(0)
	}
	os.Exit(m.Run())
}

// runFilesCase runs a case with a limit that leaves room for more files, or without a limit.
func runFilesCase(name, more string) (r filesResult) {
	var c filesCase
	for _, c = range filesCases {
		if c.name == name {
			break
		}
	}
	do, err := c.before()
	if err != nil {
		r.Before = err.Error()
		return r
	}
	if more != "" {
		n, err := strconv.Atoi(more)
		if err != nil {
			panic(err)
		}
		lowest, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			panic(err)
		}
		unix.Close(lowest)
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			panic(err)
		}
		limit.Cur = uint64(lowest + n)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			panic(err)
		}
	}
	if err = do(); err == nil {
		return r
	}
	r.Error = err.Error()
	r.Full = errors.Is(err, unix.EMFILE)
	if failure := (*runtime.LoadError)(nil); errors.As(err, &failure) {
		r.Load = strings.Contains(failure.Hint, "RLIMIT_NOFILE")
	}
	return r
}

// inProcess runs a case in a child process whose poller has not started: without a file for it,
// Go's runtime would exit. The garbage collector is off, since its timers start the poller, too.
func inProcess(t *testing.T, name, more string) filesResult {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), filesCaseEnv+"="+name, filesMoreEnv+"="+more, "GOGC=off")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said, _, _ := strings.Cut(stderr.String(), "\n\n")
		t.Fatalf("with room for %s more files: %v\n%s", more, err, said)
	}
	var r filesResult
	if err := json.Unmarshal([]byte(stdout.String()), &r); err != nil {
		t.Fatalf("with room for %s more files: %v\n%s", more, err, stdout.String())
	}
	return r
}

// A process that is out of files gets EMFILE from every operation, whatever the limit, and does not
// die.
func TestFilesLimit(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	for _, c := range filesCases {
		t.Run(c.name, func(t *testing.T) {
			want := inProcess(t, c.name, "")
			if want.Before != "" {
				guest.NotHere(t, "%s", want.Before)
			}
			for more := 0; ; more++ {
				if more == 200 {
					t.Fatalf("room for %d files is not enough", more)
				}
				got := inProcess(t, c.name, fmt.Sprint(more))
				if !got.Full {
					if got != want {
						t.Errorf("with room for %d more files: %q, want %q", more, got.Error, want.Error)
					}
					if more == 0 {
						t.Error("the case opens no file")
					}
					t.Logf("opens up to %d files, error: %q", more, got.Error)
					return
				}
				if c.load && !got.Load {
					t.Errorf("with room for %d more files: not a LoadError with a hint: %s", more, got.Error)
				}
			}
		})
	}
}
