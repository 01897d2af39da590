package runtime

import (
	"fmt"
	"runtime"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// UprobeProgram is a program of type KPROBE for functions of user space:
// sections uprobe and uretprobe. Here a function is an offset into its file; package
// [github.com/bpf2lskel/bpf2lskel/runtime/uprobe] finds it by its name.
type UprobeProgram struct{ *Program }

// NewUprobeProgram gives p its kind.
func NewUprobeProgram(p *Program) UprobeProgram { return UprobeProgram{p} }

// UprobeOptions say more about a uprobe; nil means the defaults.
type UprobeOptions struct {
	// PID restricts the probe to one process; 0 is all.
	PID int
	// RefCtrOffset is where in the file the semaphore of a USDT probe is, 0 for none.
	RefCtrOffset uint64
	// Cookie is what bpf_get_attach_cookie returns.
	Cookie uint64
}

// AttachUprobe attaches the program to the instruction at an offset, in bytes, into an executable
// or library.
func (p UprobeProgram) AttachUprobe(file string, offset uint64, opts *UprobeOptions) (*Link, error) {
	return p.attach(file, offset, false, opts)
}

// AttachUretprobe attaches the program to the return of the function that
// starts at an offset, in bytes, into an executable or library.
func (p UprobeProgram) AttachUretprobe(file string, offset uint64, opts *UprobeOptions) (*Link, error) {
	return p.attach(file, offset, true, opts)
}

func (p UprobeProgram) attach(file string, offset uint64, ret bool, opts *UprobeOptions) (*Link, error) {
	kind := "uprobe"
	if ret {
		kind = "uretprobe"
	}
	what := fmt.Sprintf("attach %s to %s+%#x", kind, file, offset)
	if opts == nil {
		opts = &UprobeOptions{}
	}
	pid := opts.PID
	if pid == 0 {
		pid = -1
	}
	return attachProbe(p.Program, what, "uprobe", file, offset, ret, opts.RefCtrOffset, pid, opts.Cookie)
}

// UprobeMultiProgram is a program of type KPROBE for many functions of one
// file with one link (6.6): sections uprobe.multi, uretprobe.multi and uprobe.session.
type UprobeMultiProgram struct{ *Program }

// NewUprobeMultiProgram gives p its kind.
func NewUprobeMultiProgram(p *Program) UprobeMultiProgram { return UprobeMultiProgram{p} }

// UprobeMultiOptions say more about uprobes of one link; nil means the defaults.
type UprobeMultiOptions struct {
	// RefCtrOffsets are where the semaphores of USDT probes are, one for each offset; nil for none.
	RefCtrOffsets []uint64
	// Cookies is what bpf_get_attach_cookie returns, one for each offset; nil for none.
	Cookies []uint64
	// PID restricts the probes to one process; 0 is all.
	PID int
}

// AttachUprobeMulti attaches the program to the instructions at all these offsets, in bytes, into
// an executable or library, or to none.
func (p UprobeMultiProgram) AttachUprobeMulti(file string, offsets []uint64, opts *UprobeMultiOptions) (*Link, error) {
	return p.attach(file, offsets, 0, opts)
}

// AttachUretprobeMulti attaches the program to the returns of the functions that start at these
// offsets, in bytes, into an executable or library, or to none.
func (p UprobeMultiProgram) AttachUretprobeMulti(file string, offsets []uint64, opts *UprobeMultiOptions) (*Link, error) {
	return p.attach(file, offsets, sys.FlagUprobeMultiReturn, opts)
}

func (p UprobeMultiProgram) attach(file string, offsets []uint64, flags uint32, opts *UprobeMultiOptions) (*Link, error) {
	if opts == nil {
		opts = &UprobeMultiOptions{}
	}
	n := len(offsets)
	kind := "uprobe.multi"
	if flags != 0 {
		kind = "uretprobe.multi"
	}
	what := fmt.Sprintf("attach %s to %d places in %s", kind, n, file)
	if !p.exists() {
		return nil, p.fail(what, errNoProgram)
	}
	switch {
	case n == 0:
		return nil, p.fail(what, errNoPlaces())
	case opts.RefCtrOffsets != nil && len(opts.RefCtrOffsets) != n:
		return nil, p.fail(what, fmt.Errorf("%d RefCtrOffsets for %d places: %w", len(opts.RefCtrOffsets), n, unix.EINVAL))
	case opts.Cookies != nil && len(opts.Cookies) != n:
		return nil, p.fail(what, fmt.Errorf("%d Cookies for %d places: %w", len(opts.Cookies), n, unix.EINVAL))
	}
	path, keep, err := cString(file)
	if err != nil {
		return nil, p.fail(what, err)
	}
	tail := &sys.LinkUprobeMultiTail{
		Path: path, Offsets: addrOf(offsets), RefCtrOffsets: addrOf(opts.RefCtrOffsets), Cookies: addrOf(opts.Cookies),
		Cnt: uint32(n), Pid: uint32(opts.PID), Flags: flags,
	}
	attachType := uint32(sys.AttachTraceUprobeMulti)
	if p.spec.AttachType == sys.AttachTraceUprobeSession {
		attachType = sys.AttachTraceUprobeSession
	}
	l, err := linkCreate(p.Program, what, 0, attachType, 0, tailOf(tail))
	runtime.KeepAlive(keep)
	runtime.KeepAlive(offsets)
	runtime.KeepAlive(opts)
	return l, err
}

// USDTProgram is a program of type KPROBE for statically defined probes of user space: sections
// usdt and usdt.s. Package [github.com/bpf2lskel/bpf2lskel/runtime/uprobe] attaches it, with
// AttachUSDT.
type USDTProgram struct{ *Program }

// NewUSDTProgram gives p its kind.
func NewUSDTProgram(p *Program) USDTProgram { return USDTProgram{p} }
