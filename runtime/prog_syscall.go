package runtime

import (
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// SyscallProgram is a program of type SYSCALL: it is run by user space. [RunSyscall]
// runs one with a context.
type SyscallProgram struct{ *Program }

// NewSyscallProgram gives p its kind.
func NewSyscallProgram(p *Program) SyscallProgram { return SyscallProgram{p} }

// Run runs the program without a context and returns what it returns.
func (p SyscallProgram) Run() (uint32, error) { return RunSyscall(p, &NoContext{}) }

// RunSyscall runs a program with a context that it may change, and returns
// what it returns. C has the layout of the C struct and no Go pointers.
func RunSyscall[C any](p SyscallProgram, ctx *C) (uint32, error) {
	num, err := p.acquire("run")
	if err != nil {
		return 0, err
	}
	defer p.fd.release()
	return runWithContext(p.Program, num, ctx)
}

// runWithContext runs a program that has nothing but a context.
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
