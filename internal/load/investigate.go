package load

import (
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// investigate repeats the failed step alone to get the verifier's log, while everything that the
// step needs still exists. This costs one verification of the program, not a whole load. It sets
// e.again if another attempt is worthwhile.
func (e *engine) investigate(f *spec.Failure) {
	e.again = e.quick
	if e.verified || f.Errno == unix.EMFILE || f.Err == nil {
		return // see attemptForm; for EMFILE, the verifier has already accepted it: the file comes last
	}
	var load func(l *logBuffer) (int, unix.Errno)
	switch f.StepKind() {
	case spec.StepLoadBTF:
		load = func(l *logBuffer) (int, unix.Errno) { return e.loadBTFAgain(f.Step, l) }
	case spec.StepLoadProgram:
		load = func(l *logBuffer) (int, unix.Errno) { return e.loadProgramAgain(f.Step, l) }
	default:
		if e.quick {
			e.again = e.req.features().Parts().again(e, f)
		}
		return
	}
	var succeeded bool
	if f.Log, succeeded = withLog(load); succeeded {
		e.again = true
		f.Log = ""
		return
	}
	e.again = false
}

// loaderLog fetches the log of the loader program itself.
func (e *engine) loaderLog(f *spec.Failure, attr *sys.ProgLoadAttr, size uintptr) {
	f.Log, _ = withLog(func(l *logBuffer) (int, unix.Errno) {
		attr.LogLevel, attr.LogSize, attr.LogBuf = 1, l.size(), l.addr()
		num, errno := sys.BPF(sys.CmdProgLoad, unsafe.Pointer(attr), size)
		runtime.KeepAlive(e.blob)
		return num, errno
	})
}

// withLog calls load with a log buffer, and returns the log. The load may succeed this time.
func withLog(load func(*logBuffer) (int, unix.Errno)) (log string, succeeded bool) {
	buffer, err := newLogBuffer()
	if err != nil {
		return "", false // no memory: the failure stays without a log
	}
	defer buffer.close()
	for range maxAttempts {
		num, errno := load(buffer)
		switch errno {
		case 0:
			unix.Close(num)
			return "", true
		case unix.EAGAIN, unix.EINTR:
			continue
		}
		break
	}
	return buffer.text(), false
}

// loadBTFAgain repeats StepLoadBTF with a log.
func (e *engine) loadBTFAgain(step int, l *logBuffer) (int, unix.Errno) {
	attr := sys.BtfLoadAttr{
		Btf: sys.Addr(e.blob.at(e.spec.BTF.Data)), BtfSize: e.spec.BTF.Size,
		BtfLogLevel: 1, BtfLogSize: min(l.size(), btfLogMax), BtfLogBuf: l.addr(),
	}
	size := unsafe.Offsetof(attr.BtfLogLevel) + 4
	if token := e.req.token; token != 0 {
		attr.BtfFlags, attr.BtfTokenFd = sys.FlagTokenFd, token
		size = unsafe.Sizeof(attr)
	}
	return sys.BPF(sys.CmdBtfLoad, unsafe.Pointer(&attr), size)
}

// btfLogMax is a log size for BTF that every kernel accepts: before 6.4 it must be less than 16 MiB
// (btf_parse).
const btfLogMax = 12 << 20

// loadProgramAgain repeats StepLoadProgram with a log.
func (e *engine) loadProgramAgain(step int, l *logBuffer) (int, unix.Errno) {
	attr, size, insns := e.programAgain(step)
	if size == 0 {
		return -1, unix.EINVAL
	}
	attr.LogLevel, attr.LogSize, attr.LogBuf = 1, l.size(), l.addr()
	if token := e.req.token; token != 0 {
		attr.ProgTokenFd = token // the blob has the flag already
		size = unsafe.Offsetof(attr.FdArrayCnt)
	}
	num, errno := sys.BPF(sys.CmdProgLoad, unsafe.Pointer(&attr), max(size, unsafe.Offsetof(attr.LogBuf)+8))
	runtime.KeepAlive(insns)
	return num, errno
}

// programAgain returns the attr with which the loader has loaded a program, the attr's size, and
// instructions that must be kept alive. The loader has left all pointers in the attr, as kernel
// addresses of the blob. The size is 0 if the loader has not reached the program.
func (e *engine) programAgain(step int) (attr sys.ProgLoadAttr, size uintptr, insns []sys.Insn) {
	p := &e.spec.Programs[e.spec.Steps[step].Index]
	license, inBlob := e.pointerIn(p, unsafe.Offsetof(attr.License)), e.pointerIn(p, unsafe.Offsetof(attr.Insns))
	// The instructions come right after the attr.
	kernel := license - uint64(e.spec.License)
	length := inBlob - kernel - uint64(p.Attr)
	if license == 0 || length > uint64(unsafe.Sizeof(attr)) || uint64(p.Attr)+length > uint64(len(e.blob.mem)) {
		return attr, 0, nil
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&attr)), length), e.blob.mem[p.Attr:])
	for _, ptr := range []*uint64{&attr.Insns, &attr.License, &attr.FuncInfo, &attr.LineInfo, &attr.FdArray, &attr.CoreRelos} {
		if *ptr == 0 {
			continue
		}
		at := *ptr - kernel
		if at >= uint64(len(e.blob.mem)) {
			return attr, 0, nil
		}
		*ptr = sys.Addr(e.blob.at(spec.BlobOff(at)))
	}
	if insns = e.originalInsns(p, inBlob-kernel, attr.InsnCnt); insns != nil {
		// The kernel resolves CO-RE itself this time, and logs the candidates.
		attr.Insns = sys.Addr(unsafe.Pointer(&insns[0]))
		attr.CoreReloCnt = e.spec.Word(p.Attr + spec.BlobOff(unsafe.Offsetof(attr.CoreReloCnt)))
	}
	return attr, uintptr(length), insns
}

// pointerIn returns a pointer in a program's attr.
func (e *engine) pointerIn(p *spec.ProgramSpec, offset uintptr) uint64 {
	return *(*uint64)(e.blob.at(p.Attr + spec.BlobOff(offset)))
}

// originalInsns returns a program's instructions as they were before the loader resolved CO-RE, or
// nil if the loader did not resolve it.
func (e *engine) originalInsns(p *spec.ProgramSpec, at uint64, count uint32) []sys.Insn {
	end := at + 8*uint64(count)
	if e.spec.CORE.ValueCount == 0 || count == 0 || p.CORERelos == 0 || at%8 != 0 || end > uint64(len(e.blob.mem)) {
		return nil
	}
	insns := append([]sys.Insn(nil), unsafe.Slice((*sys.Insn)(e.blob.at(spec.BlobOff(at))), count)...)
	for site := range e.spec.Sites() {
		if i := uint64(site.Insn); i >= at && i < end {
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&insns[(i-at)/8])), 8), e.spec.Blob[i:])
		}
	}
	return insns
}
