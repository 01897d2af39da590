package features

import (
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A linkProbe tries to attach a program to something that does not exist. The kernel's error shows
// whether it supports this way to attach. Nothing is ever attached.
type linkProbe struct {
	feature              Feature
	progType, attachType uint32
	target               int32
	// yes is the error from a kernel that has the feature. Zero means any error but the one for no.
	yes  unix.Errno
	tail func(attr *sys.LinkCreateAttr) (keep any)
}

var linkProbes = [...]linkProbe{
	{BPFCookie, sys.ProgTypeKprobe, sys.AttachPerfEvent, -1, unix.EBADF, nil},
	{KprobeMulti, sys.ProgTypeKprobe, sys.AttachTraceKprobeMulti, 0, unix.ESRCH, noFunction},
	{KprobeSession, sys.ProgTypeKprobe, sys.AttachTraceKprobeSession, 0, unix.ESRCH, noFunction},
	{UprobeMulti, sys.ProgTypeKprobe, sys.AttachTraceUprobeMulti, 0, unix.EBADF, noFile},
	{TCX, sys.ProgTypeSchedCLS, sys.AttachTCXIngress, noInterface, unix.ENODEV, nil},
	{Netkit, sys.ProgTypeSchedCLS, sys.AttachNetkitPrimary, noInterface, unix.ENODEV, nil},
	{TracingMulti, sys.ProgTypeTracing, sys.AttachTraceFentryMulti, 0, 0, noID},
}

const noInterface = 1<<31 - 1

func (p *linkProbe) run() error {
	what := p.feature.String()
	prog, errno, log := openProgram(p.progType, p.attachType, insn(0xb7, 0), insn(0x95, 0))
	if errno == unix.EINVAL && (log == "" || p.feature == TracingMulti) {
		return no(what, explain.AttachTypeTooNew(p.attachType))
	}
	if errno != 0 {
		return &cannotTell{what, errno}
	}
	defer unix.Close(prog)
	attr := sys.LinkCreateAttr{ProgFd: uint32(prog), TargetFd: uint32(p.target), AttachType: p.attachType}
	var keep any
	if p.tail != nil {
		keep = p.tail(&attr)
	}
	num, errno := sys.BPF(sys.CmdLinkCreate, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(keep)
	switch {
	case errno == 0:
		unix.Close(num)
		return nil
	case errno == p.yes, p.yes == 0 && errno != unix.EOPNOTSUPP && errno != unix.EPERM:
		return nil
	case errno == unix.EINVAL, errno == unix.EOPNOTSUPP:
		return no(what, explain.AttachTypeTooNew(p.attachType))
	}
	return &cannotTell{what, errno}
}

func noFunction(attr *sys.LinkCreateAttr) any {
	addr, name := sys.CString("bpf2lskel_no_such_function")
	list := []uint64{addr}
	*(*sys.LinkKprobeMultiTail)(unsafe.Pointer(&attr.Tail)) = sys.LinkKprobeMultiTail{Cnt: 1, Syms: sys.Addr(unsafe.Pointer(&list[0]))}
	return [2]any{name, list}
}

// noFile returns a directory.
func noFile(attr *sys.LinkCreateAttr) any {
	path, keep := sys.CString("/")
	offsets := []uint64{0}
	*(*sys.LinkUprobeMultiTail)(unsafe.Pointer(&attr.Tail)) = sys.LinkUprobeMultiTail{
		Path: path, Offsets: sys.Addr(unsafe.Pointer(&offsets[0])), Cnt: 1,
	}
	return [2]any{keep, offsets}
}

func noID(attr *sys.LinkCreateAttr) any {
	ids := []uint32{1<<32 - 1}
	*(*sys.LinkTracingMultiTail)(unsafe.Pointer(&attr.Tail)) = sys.LinkTracingMultiTail{Ids: sys.Addr(unsafe.Pointer(&ids[0])), Cnt: 1}
	return ids
}
