package runtime

import (
	"fmt"
	"runtime"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// UprobeProgram is a program of type KPROBE for functions of user space:
// sections uprobe and uretprobe. Here a function is an offset into its file; the
// package ebpfinterop finds it by its name, and USDT probes as well.
type UprobeProgram struct{ *Program }

// NewUprobeProgram gives p its kind.
func NewUprobeProgram(p *Program) UprobeProgram { return UprobeProgram{p} }

// UprobeOptions say more about a uprobe; the zero value is what most want.
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
func (p UprobeProgram) AttachUprobe(file string, offset uint64, opts UprobeOptions) (*Link, error) {
	return p.attach(file, offset, false, opts)
}

// AttachUretprobe attaches the program to the return of the function that
// starts at an offset, in bytes, into an executable or library.
func (p UprobeProgram) AttachUretprobe(file string, offset uint64, opts UprobeOptions) (*Link, error) {
	return p.attach(file, offset, true, opts)
}

func (p UprobeProgram) attach(file string, offset uint64, ret bool, opts UprobeOptions) (*Link, error) {
	what := fmt.Sprintf("attach uprobe to %s+%#x", file, offset)
	if opts.PID == 0 {
		opts.PID = -1
	}
	return attachProbe(p.Program, what, "uprobe", file, offset, ret, opts.RefCtrOffset, opts.PID, opts.Cookie)
}

// UprobeMultiProgram is a program of type KPROBE for many functions of one
// file with one link (6.6): sections uprobe.multi, uretprobe.multi and uprobe.session.
type UprobeMultiProgram struct{ *Program }

// NewUprobeMultiProgram gives p its kind.
func NewUprobeMultiProgram(p *Program) UprobeMultiProgram { return UprobeMultiProgram{p} }

// UprobeMultiOptions say where in a file a program is attached.
type UprobeMultiOptions struct {
	// Offsets into the file, in bytes.
	Offsets []uint64
	// RefCtrOffsets are where the semaphores of USDT probes are, one for each offset; nil for none.
	RefCtrOffsets []uint64
	// Cookies is what bpf_get_attach_cookie returns, one for each offset; nil for none.
	Cookies []uint64
	// PID restricts the probes to one process; 0 is all.
	PID int
	// Return is set for the return of the functions.
	Return bool
}

// AttachUprobeMulti attaches the program to all these places, or to none.
func (p UprobeMultiProgram) AttachUprobeMulti(file string, opts UprobeMultiOptions) (*Link, error) {
	n := len(opts.Offsets)
	what := fmt.Sprintf("attach uprobe.multi to %d places in %s", n, file)
	if n == 0 || (opts.RefCtrOffsets != nil && len(opts.RefCtrOffsets) != n) || (opts.Cookies != nil && len(opts.Cookies) != n) {
		return nil, p.fail(what, unix.EINVAL)
	}
	path, keep := sys.CString(file)
	tail := &sys.LinkUprobeMultiTail{
		Path: path, Offsets: addrOf(opts.Offsets), RefCtrOffsets: addrOf(opts.RefCtrOffsets), Cookies: addrOf(opts.Cookies),
		Cnt: uint32(n), Pid: uint32(opts.PID),
	}
	if opts.Return {
		tail.Flags = sys.FlagUprobeMultiReturn
	}
	attachType := uint32(sys.AttachTraceUprobeMulti)
	if p.spec.AttachType == sys.AttachTraceUprobeSession {
		attachType = sys.AttachTraceUprobeSession
	}
	l, err := linkCreate(p.Program, what, 0, attachType, 0, tail)
	runtime.KeepAlive(keep)
	runtime.KeepAlive(opts)
	return l, err
}
