package runtime

import (
	"fmt"
	"runtime"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// UprobeProgram is a program of type KPROBE for functions in user space: sections uprobe and
// uretprobe. Its methods take a function as an offset into its file. Package
// [github.com/bpf2lskel/bpf2lskel/runtime/uprobe] finds functions by name.
type UprobeProgram struct{ *Program }

// NewUprobeProgram returns p as a UprobeProgram.
func NewUprobeProgram(p *Program) UprobeProgram { return UprobeProgram{p} }

// UprobeOptions are options for attaching a uprobe. Nil means the defaults.
type UprobeOptions struct {
	// PID restricts the probe to one process. Zero means all processes.
	PID int
	// RefCtrOffset is the offset in the file of a USDT probe's semaphore. Zero means none.
	RefCtrOffset uint64
	// Cookie is the value that bpf_get_attach_cookie returns.
	Cookie uint64
}

// AttachUprobe attaches the program to the instruction at the given offset, in bytes, in an
// executable or library.
func (p UprobeProgram) AttachUprobe(file string, offset uint64, opts *UprobeOptions) (*Link, error) {
	return p.attach(file, offset, false, opts)
}

// AttachUretprobe attaches the program to the return of the function that starts at the given
// offset, in bytes, in an executable or library.
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

// UprobeMultiProgram is a program of type KPROBE that one link attaches to many functions of one
// file (6.6): sections uprobe.multi, uretprobe.multi and uprobe.session.
type UprobeMultiProgram struct{ *Program }

// NewUprobeMultiProgram returns p as a UprobeMultiProgram.
func NewUprobeMultiProgram(p *Program) UprobeMultiProgram { return UprobeMultiProgram{p} }

// UprobeMultiOptions are options for attaching a UprobeMultiProgram. Nil means the defaults.
type UprobeMultiOptions struct {
	// RefCtrOffsets are the offsets in the file of USDT probes' semaphores, one for each offset, or
	// nil.
	RefCtrOffsets []uint64
	// Cookies are the values that bpf_get_attach_cookie returns, one for each offset, or nil.
	Cookies []uint64
	// PID restricts the probes to one process. Zero means all processes.
	PID int
}

// AttachUprobeMulti attaches the program to the instructions at all given offsets, in bytes, in an
// executable or library, or to none.
func (p UprobeMultiProgram) AttachUprobeMulti(file string, offsets []uint64, opts *UprobeMultiOptions) (*Link, error) {
	return p.attach(file, offsets, 0, opts)
}

// AttachUretprobeMulti attaches the program to the returns of all functions that start at the given
// offsets, in bytes, in an executable or library, or to none.
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

// USDTProgram is a program of type KPROBE for USDT (statically defined) probes in user space:
// sections usdt and usdt.s. Use AttachUSDT of package
// [github.com/bpf2lskel/bpf2lskel/runtime/uprobe] to attach it.
type USDTProgram struct{ *Program }

// NewUSDTProgram returns p as a USDTProgram.
func NewUSDTProgram(p *Program) USDTProgram { return USDTProgram{p} }
