//vmtest:all

package runtime

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/errtype"
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// namesNothingEmpty fails the test if an error has a colon after an empty name.
func namesNothingEmpty(t *testing.T, what string, err error) {
	t.Helper()
	if text := err.Error(); strings.Contains(text, " : ") || strings.HasPrefix(text, ":") || strings.Contains(text, "  ") {
		t.Errorf("%s: %q", what, text)
	}
}

// attaches are all ways to attach a program p.
func attaches(p *Program) map[string]func() error {
	link := func(_ *Link, err error) error { return err }
	return map[string]func() error{
		"AttachXDP":           func() error { return link(XDPProgram{p}.AttachXDP(1, nil)) },
		"AttachTCX":           func() error { return link(SchedCLSProgram{p}.AttachTCX(1, Ingress, nil)) },
		"AttachTCX at head":   func() error { return link(SchedCLSProgram{p}.AttachTCX(1, Egress, &TCXOptions{Anchor: AtHead()})) },
		"AttachNetkit":        func() error { return link(SchedCLSProgram{p}.AttachNetkit(1, NetkitPeer, nil)) },
		"AttachCgroup":        func() error { return link(CgroupProgram{p}.AttachCgroup("/", nil)) },
		"AttachCgroupFD":      func() error { return link(CgroupProgram{p}.AttachCgroupFD(0, nil)) },
		"AttachNetNS":         func() error { return link(SKLookupProgram{p}.AttachNetNS("/proc/self/ns/net", nil)) },
		"dissector":           func() error { return link(FlowDissectorProgram{p}.AttachNetNS("/proc/self/ns/net", nil)) },
		"AttachNetfilter":     func() error { return link(NetfilterProgram{p}.AttachNetfilter(2, 0, nil)) },
		"AttachLirc":          func() error { return link(LircMode2Program{p}.AttachLirc(0, nil)) },
		"AttachPerfEvent":     func() error { return link(PerfEventProgram{p}.AttachPerfEvent(0, nil)) },
		"AttachTracepoint":    func() error { return link(TracepointProgram{p}.AttachTracepoint("sched", "sched_switch", nil)) },
		"AttachRawTracepoint": func() error { return link(RawTracepointProgram{p}.AttachRawTracepoint("sys_enter", nil)) },
		"tracing":             func() error { return link(TracingProgram{p}.Attach(nil)) },
		"tracing with cookie": func() error { return link(TracingProgram{p}.Attach(&TracingOptions{Cookie: 1})) },
		"AttachTracingMulti":  func() error { return link(TracingMultiProgram{p}.AttachTracingMulti([]string{"f"}, nil)) },
		"LSM":                 func() error { return link(LSMProgram{p}.Attach(nil)) },
		"freplace":            func() error { return link(ExtProgram{p}.Attach(nil)) },
		"iterator":            func() error { return link(IterProgram{p}.Attach(nil)) },
		"AttachKprobe":        func() error { return link(KprobeProgram{p}.AttachKprobe("f", nil)) },
		"AttachKretprobe":     func() error { return link(KprobeProgram{p}.AttachKretprobe("f", nil)) },
		"AttachKprobeMulti":   func() error { return link(KprobeMultiProgram{p}.AttachKprobeMulti([]string{"f*"}, nil)) },
		"AttachUprobe":        func() error { return link(UprobeProgram{p}.AttachUprobe("/bin/sh", 0, nil)) },
		"AttachUretprobe":     func() error { return link(UprobeProgram{p}.AttachUretprobe("/bin/sh", 0, nil)) },
		"AttachUprobeMulti":   func() error { return link(UprobeMultiProgram{p}.AttachUprobeMulti("/bin/sh", []uint64{1}, nil)) },
		"AttachSocket":        func() error { return SocketFilterProgram{p}.AttachSocket(nil, nil) },
		"reuseport":           func() error { return SKReuseportProgram{p}.AttachSocket(nil, nil) },
		"AutoAttach":          func() error { return link(AutoAttach(p)) },
		"Pin":                 func() error { return p.Pin("/nowhere") },
		"DupFD":               func() error { _, err := p.DupFD(); return err },
		"Test":                func() error { _, err := XDPProgram{p}.Test(XDPTest{}); return err },
		"Run":                 func() error { _, err := SyscallProgram{p}.Run(); return err },
		"raw Test":            func() error { _, err := RawTracepointProgram{p}.Test(RawTracepointArgs{}); return err },
	}
}

// Operations on a nil or zero program return an error that says so.
func TestNoProgram(t *testing.T) {
	for _, p := range []*Program{nil, {}} {
		for name, attach := range attaches(p) {
			err := attach()
			if e, ok := errtype.Of[*ProgramError](err); !ok || !errors.Is(err, errNoProgram) || e.Op == "" {
				t.Errorf("%s: %v", name, err)
			}
			namesNothingEmpty(t, name, err)
		}
		for name, f := range map[string]func(){
			"Name": func() { p.Name() }, "Spec": func() { p.Spec() }, "FD": func() { p.FD() },
			"AutoLoad": func() { p.AutoLoad() }, "SetAutoLoad": func() { p.SetAutoLoad(true) },
		} {
			if said := panics(f); !strings.Contains(said, "use a program of a skeleton") {
				t.Errorf("%s panics with %q", name, said)
			}
		}
	}
}

func panics(f func()) (said string) {
	defer func() { said, _ = recover().(string) }()
	f()
	return ""
}

// Attaching before the load or after Close is an error that says which.
func TestAttachBeforeLoadAndAfterClose(t *testing.T) {
	spec := &ProgramSpec{Name: "p", Section: "fentry/f", AttachTo: "f", Target: 0, Type: sys.ProgTypeTracing}
	never, unwanted, closed := &Program{spec: spec}, &Program{spec: spec}, &Program{spec: spec}
	unwanted.SetAutoLoad(false)
	closed.fd.close()
	for said, p := range map[string]*Program{
		"not loaded: call Load first": never, "not loaded: call SetAutoLoad(true) before Load": unwanted, "the program or its skeleton is closed": closed,
	} {
		for name, attach := range attaches(p) {
			err := attach()
			if e, ok := errtype.Of[*ProgramError](err); !ok || e.Program != "p" || !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), said) {
				t.Errorf("%s: %v, want %q", name, err, said)
			}
		}
	}

	s := newSkeleton(&Spec{Name: "object", Programs: []ProgramSpec{*spec}}, &load.Features{})
	var l *Link
	list := []Attachment{{TracingProgram{s.Program(0)}, &l}}
	if _, err := AttachSections(s, list); !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), "attach object: not loaded: call Load first") {
		t.Errorf("before Load: %v", err)
	}
	s.Close()
	if _, err := AttachSections(s, list); !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), "attach object: the skeleton is closed") {
		t.Errorf("after Close: %v", err)
	}
}

func TestNoLink(t *testing.T) {
	p := newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: returning(0)})
	for _, l := range []*Link{nil, {}} {
		for name, f := range map[string]func() error{
			"Update": func() error { return l.Update(p) }, "Detach": l.Detach, "Pin": func() error { return l.Pin("/nowhere") },
			"Info": func() error { _, err := l.Info(); return err }, "DupFD": func() error { _, err := l.DupFD(); return err },
			"OpenIter": func() error { _, err := OpenIter(l); return err },
			"BeforeLink": func() error {
				_, err := (SchedCLSProgram{p}).AttachTCX(1, Ingress, &TCXOptions{Anchor: BeforeLink(l)})
				return err
			},
			"Close": l.Close,
		} {
			err := f()
			if !errors.Is(err, errNoLink) {
				t.Errorf("%s: %v", name, err)
			}
			namesNothingEmpty(t, name, err)
		}
		if text := l.String(); text != "no link" || l.FD() != -1 {
			t.Errorf("%q, file descriptor %d", text, l.FD())
		}
	}
	for _, none := range []AnyProgram{nil, (*Program)(nil), XDPProgram{}} {
		_, err := SchedCLSProgram{p}.AttachTCX(1, Ingress, &TCXOptions{Anchor: AfterProgram(none)})
		if !errors.Is(err, errNoProgram) {
			t.Errorf("an anchor after no program: %v", err)
		}
	}
	if _, err := (SKMsgProgram{p}).AttachSockMap(nil, nil); !errors.Is(err, errNoMap) {
		t.Errorf("no map: %v", err)
	}
	if err := (SocketFilterProgram{p}).AttachSocket(nil, nil); !errors.Is(err, errNoSocket) {
		t.Errorf("no socket: %v", err)
	}
}

// Errors say which kernel version an operation needs.
func TestTooNew(t *testing.T) {
	lo := loopback(t)
	p := newTestSchedCLS(t, returning(0))
	l, err := p.AttachTCX(lo, Ingress, nil)
	if !olderThan(t, 6, 6) {
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		return
	}
	e, ok := errtype.Of[*ProgramError](err)
	if !ok || e.Errno != unix.EINVAL || !strings.HasPrefix(e.Hint, "BPF_TCX_INGRESS needs Linux 6.6, this is ") || !strings.HasSuffix(err.Error(), "("+e.Hint+")") {
		t.Errorf("%v", err)
	}
}

// olderThan reports whether the running kernel is older than a version of Linux.
func olderThan(t *testing.T, major, minor int) bool {
	t.Helper()
	return sys.KernelVersion().Before(sys.Version{major, minor})
}

// An error never has an empty name in it, for any kind of handle.
func TestNamelessHandles(t *testing.T) {
	for name, f := range map[string]func() error{
		"inner map":                        func() error { return InnerMap[*HashMap[uint32, uint32]]{}.Close() },
		"inner map, of a kind that panics": func() error { return InnerMap[*Map]{}.Close() },
		"inner map, untyped":               func() error { return InnerMap[AnyMap]{}.Close() },
		"iterator":                         func() error { _, err := (*IterReader)(nil).Read(nil); return err },
		"iterator, zero":                   new(IterReader).Close,
		"typed map":                        func() error { _, err := TypedMap(nil, NewHashMap[uint32, uint32]); return err },
		"no such link":                     func() error { _, err := OpenLinkID(1<<32 - 2); return err },
		"no such map":                      func() error { _, err := OpenMapID(1<<32 - 2); return err },
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			namesNothingEmpty(t, name, err)
		}
	}
	if _, err := newMap(&MapSpec{Name: "m"}).DupFD(); !errors.Is(err, os.ErrClosed) || !strings.HasPrefix(err.Error(), "map m: ") {
		t.Errorf("file descriptor of an unloaded object: %v", err)
	}
}

// Names with a zero byte are refused: the kernel would truncate them and attach to something else.
func TestZeroBytes(t *testing.T) {
	const name = "/proc/self/exe\x00x"
	for typ, attach := range map[uint32]map[string]func(*Program) (*Link, error){
		sys.ProgTypeKprobe: {
			"kprobe": func(p *Program) (*Link, error) { return KprobeProgram{p}.AttachKprobe(name, nil) },
			"kprobe.multi": func(p *Program) (*Link, error) {
				return KprobeMultiProgram{p}.AttachKprobeMulti([]string{"x", name}, nil)
			},
			"uprobe": func(p *Program) (*Link, error) { return UprobeProgram{p}.AttachUprobe(name, 4096, nil) },
			"uprobe.multi": func(p *Program) (*Link, error) {
				return UprobeMultiProgram{p}.AttachUprobeMulti(name, []uint64{4096}, nil)
			},
		},
		sys.ProgTypeRawTracepoint: {
			"raw tracepoint": func(p *Program) (*Link, error) {
				return RawTracepointProgram{p}.AttachRawTracepoint("sys_enter\x00x", nil)
			},
		},
	} {
		p := newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: typ}, insns: returning(0)})
		for what, f := range attach {
			l, err := f(p)
			if err == nil {
				l.Close()
			}
			if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), `\x00x" contains a NUL byte`) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}
