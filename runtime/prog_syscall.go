package runtime

import (
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// SyscallProgram is a program of type SYSCALL, which user space runs. Use [RunSyscall] to pass a
// context.
type SyscallProgram struct{ *Program }

// NewSyscallProgram returns p as a SyscallProgram.
func NewSyscallProgram(p *Program) SyscallProgram { return SyscallProgram{p} }

// Run runs the program without a context, and returns its return value.
func (p SyscallProgram) Run() (uint32, error) { return RunSyscall(p, &NoContext{}) }

// RunSyscall runs a program with a context, which the program may modify, and returns its return
// value. C must have the layout of the C struct, and must not contain Go pointers.
func RunSyscall[C any](p SyscallProgram, ctx *C) (uint32, error) {
	num, err := p.acquire("run")
	if err != nil {
		return 0, err
	}
	defer p.fd.release()
	return runWithContext(p.Program, num, ctx)
}

// runWithContext runs a program whose only argument is a context.
func runWithContext[C any](p *Program, num int, ctx *C) (uint32, error) {
	attr := sys.ProgRunAttr{ProgFd: uint32(num)}
	if unsafe.Sizeof(*ctx) > 0 {
		attr.CtxIn, attr.CtxSizeIn = sys.Addr(unsafe.Pointer(ctx)), uint32(unsafe.Sizeof(*ctx))
	}
	_, errno := sys.BPF(sys.CmdProgRun, unsafe.Pointer(&attr), testRunSize(&attr))
	runtime.KeepAlive(ctx)
	if errno != 0 {
		return 0, p.fail("run", errno)
	}
	return attr.Retval, nil
}
