package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// PerfEventProgram is a program of type PERF_EVENT, which runs when a perf event fires.
type PerfEventProgram struct{ *Program }

// NewPerfEventProgram returns p as a PerfEventProgram.
func NewPerfEventProgram(p *Program) PerfEventProgram { return PerfEventProgram{p} }

// PerfEventOptions are options for attaching to a perf event. Nil means the defaults.
type PerfEventOptions struct {
	// Cookie is the value that bpf_get_attach_cookie returns.
	Cookie uint64
}

// AttachPerfEvent attaches the program to a perf event, opened by perf_event_open, and enables the
// event. The link keeps the event open; the caller may close the file descriptor.
func (p PerfEventProgram) AttachPerfEvent(eventFD int, opts *PerfEventOptions) (*Link, error) {
	cookie := uint64(0)
	if opts != nil {
		cookie = opts.Cookie
	}
	return perfEventLink(p.Program, fmt.Sprintf("attach to perf event of fd %d", eventFD), eventFD, cookie)
}

// perfEventLink attaches p to a perf event of any kind (5.15).
func perfEventLink(p *Program, what string, event int, cookie uint64) (*Link, error) {
	l, err := linkCreate(p, what, event, sys.AttachPerfEvent, 0, tailOf(&sys.LinkPerfEventTail{BpfCookie: cookie}))
	if err != nil {
		if load.Old != nil && cookie == 0 && errors.Is(err, unix.EINVAL) {
			return perfEventWithoutLink(p, what, event, err)
		}
		return nil, err
	}
	if err := unix.IoctlSetInt(event, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		l.Close()
		return nil, p.fail(what, err)
	}
	return l, nil
}

// perfEventWithoutLink is for kernels without links for perf events. The attachment lasts as long
// as the event, so the Link keeps its own file descriptor of it.
func perfEventWithoutLink(p *Program, what string, event int, refused error) (*Link, error) {
	num, err := p.acquire(what)
	if err != nil {
		return nil, err
	}
	defer p.fd.release()
	own, err := unix.FcntlInt(uintptr(event), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, p.fail(what, err)
	}
	if err := load.Old.AttachPerfEvent(num, own); err != nil {
		unix.Close(own)
		return nil, refused
	}
	return &Link{name: p.spec.Name, what: what, undo: func() error {
		// The caller may still have the event open.
		return errors.Join(unix.IoctlSetInt(own, unix.PERF_EVENT_IOC_DISABLE, 0), unix.Close(own))
	}}, nil
}

// TracepointProgram is a program of type TRACEPOINT, which gets a tracepoint's fields in the layout
// that tracefs describes.
type TracepointProgram struct{ *Program }

// NewTracepointProgram returns p as a TracepointProgram.
func NewTracepointProgram(p *Program) TracepointProgram { return TracepointProgram{p} }

// TracepointOptions are options for attaching to a tracepoint. Nil means the defaults.
type TracepointOptions struct {
	// Cookie is the value that bpf_get_attach_cookie returns.
	Cookie uint64
}

// Attach attaches the program to the tracepoint that its section names.
func (p TracepointProgram) Attach(opts *TracepointOptions) (*Link, error) {
	group, name, ok := strings.Cut(p.attachTo(), "/")
	if !ok {
		return nil, p.fail("attach to tracepoint", ErrNoAttachTarget)
	}
	return p.AttachTracepoint(group, name, opts)
}

// AttachTracepoint attaches the program to a tracepoint, such as "sched", "sched_switch". It looks
// up the tracepoint in tracefs, at its usual mount points.
func (p TracepointProgram) AttachTracepoint(group, name string, opts *TracepointOptions) (*Link, error) {
	what := "attach to tracepoint " + group + "/" + name
	if _, err := p.acquire(what); err != nil {
		return nil, err
	}
	defer p.fd.release()
	cookie := uint64(0)
	if opts != nil {
		cookie = opts.Cookie
	}
	id, err := tracepointID(group, name)
	if err != nil {
		return nil, p.fail(what, err)
	}
	return attachPerfEvent(p.Program, what, &unix.PerfEventAttr{Type: unix.PERF_TYPE_TRACEPOINT, Config: id}, -1, cookie)
}

// attachPerfEvent opens a perf event for a process (-1: all processes), attaches p to it, and lets
// the link own it.
func attachPerfEvent(p *Program, what string, attr *unix.PerfEventAttr, pid int, cookie uint64) (*Link, error) {
	attr.Size = uint32(unsafe.Sizeof(*attr))
	attr.Sample, attr.Wakeup = 1, 1
	cpu := -1
	if pid == -1 {
		cpu = 0 // an event for all processes needs a CPU; programs run on all CPUs
	}
	event, err := unix.PerfEventOpen(attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, p.fail(what, fmt.Errorf("perf_event_open: %w", err))
	}
	defer unix.Close(event)
	return perfEventLink(p, what, event, cookie)
}

// traceFS lists the usual mount points of tracefs.
var traceFS = []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// errNoTraceFS is fs.ErrNotExist with advice.
var errNoTraceFS error = &noTraceFSError{}

type noTraceFSError struct{}

func (*noTraceFSError) Error() string {
	return "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing"
}
func (*noTraceFSError) Unwrap() error { return fs.ErrNotExist }

// openTraceFS opens a file in tracefs, in blocking mode, so that package os does not use Go's
// poller.
func openTraceFS(name string) (*os.File, error) {
	var mounted string
	for _, dir := range traceFS {
		path := filepath.Join(dir, name)
		switch num, err := sys.Open(path); {
		case err == nil:
			return os.NewFile(uintptr(num), path), nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		if sys.Exists(filepath.Join(dir, "events")) {
			mounted = dir
		}
	}
	if mounted == "" {
		return nil, errNoTraceFS
	}
	return nil, &fs.PathError{Op: "open", Path: filepath.Join(mounted, name), Err: unix.ENOENT}
}

func tracepointID(group, name string) (uint64, error) {
	if strings.ContainsAny(group+name, "/.") {
		return 0, fmt.Errorf("%q of %q is not a tracepoint: %w", name, group, fs.ErrInvalid)
	}
	f, err := openTraceFS(filepath.Join("events", group, name, "id"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buf := make([]byte, 32)
	n, err := f.Read(buf)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(buf[:n])), 10, 64)
}

// probePMU returns the perf event type of "kprobe" or "uprobe", and the config bit that selects a
// return probe.
func probePMU(name string) (typ uint32, retBit uint64, err error) {
	dir := "/sys/bus/event_source/devices/" + name
	raw, err := sys.ReadFile(dir + "/type")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, fmt.Errorf("the kernel does not support %ss: %w", name, err)
	}
	if err != nil {
		return 0, 0, err
	}
	t, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 32)
	if err != nil {
		return 0, 0, err
	}
	raw, err = sys.ReadFile(dir + "/format/retprobe")
	if err != nil {
		return 0, 0, err
	}
	bit, err := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(string(raw), "config:")), 10, 6)
	if err != nil {
		return 0, 0, err
	}
	return uint32(t), 1 << bit, nil
}

// attachProbe attaches p to a kprobe or uprobe at name+offset.
func attachProbe(p *Program, what, pmu, name string, offset uint64, ret bool, refCtr uint64, pid int, cookie uint64) (*Link, error) {
	if _, err := p.acquire(what); err != nil {
		return nil, err
	}
	defer p.fd.release()
	addr, keep, err := cString(name)
	if err != nil {
		return nil, p.fail(what, err)
	}
	typ, retBit, err := probePMU(pmu)
	if err != nil {
		return nil, p.fail(what, err)
	}
	attr := &unix.PerfEventAttr{
		Type:   typ,
		Config: refCtr << 32, // PERF_UPROBE_REF_CTR_OFFSET_SHIFT
		Ext1:   addr,         // kprobe_func, uprobe_path
		Ext2:   offset,
	}
	if ret {
		attr.Config |= retBit
	}
	l, err := attachPerfEvent(p, what, attr, pid, cookie)
	runtime.KeepAlive(keep)
	return l, err
}
