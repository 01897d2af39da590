package runtime

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// KprobeProgram is a program of type KPROBE for kernel functions: sections
// kprobe, kretprobe, ksyscall and kretsyscall.
type KprobeProgram struct{ *Program }

// NewKprobeProgram returns p as a KprobeProgram.
func NewKprobeProgram(p *Program) KprobeProgram { return KprobeProgram{p} }

// KprobeOptions are options for attaching a kprobe. Nil means the defaults.
type KprobeOptions struct {
	// Offset is an offset into the function, in bytes.
	Offset uint64
	// Cookie is the value that bpf_get_attach_cookie returns.
	Cookie uint64
}

// Attach attaches the program to the function or system call that its section names. An offset in
// the section's name is added to the one in opts.
func (p KprobeProgram) Attach(opts *KprobeOptions) (*Link, error) {
	symbols, offset, err := p.kprobeTarget()
	if err != nil {
		return nil, p.fail("attach kprobe", err)
	}
	o := KprobeOptions{Offset: offset}
	if opts != nil {
		o.Offset += opts.Offset
		o.Cookie = opts.Cookie
	}
	return p.attach(symbols, p.isReturn(), &o)
}

// AttachKprobe attaches the program to the entry of a kernel function. If symbol is sys_NAME and
// the kernel has no such function, it is the architecture's function for that system call, such as
// __x64_sys_NAME.
func (p KprobeProgram) AttachKprobe(symbol string, opts *KprobeOptions) (*Link, error) {
	return p.attach(withSyscallWrapper(symbol), false, opts)
}

// AttachKretprobe attaches the program to the return of a kernel function. It handles system calls
// like AttachKprobe.
func (p KprobeProgram) AttachKretprobe(symbol string, opts *KprobeOptions) (*Link, error) {
	return p.attach(withSyscallWrapper(symbol), true, opts)
}

// attach attaches p to the first of symbols that the kernel has.
func (p KprobeProgram) attach(symbols []string, ret bool, opts *KprobeOptions) (*Link, error) {
	if opts == nil {
		opts = &KprobeOptions{}
	}
	kind := "kprobe"
	if ret {
		kind = "kretprobe"
	}
	var err error
	for _, symbol := range symbols {
		var l *Link
		l, err = attachProbe(p.Program, "attach "+kind+" to "+symbol, "kprobe", symbol, opts.Offset, ret, 0, -1, opts.Cookie)
		if !errors.Is(err, unix.ENOENT) {
			return l, err
		}
	}
	if len(symbols) > 1 && errors.Is(err, unix.ENOENT) {
		err = p.fail("attach "+kind+" to "+symbols[0],
			fmt.Errorf("this kernel has no function %s: %w", strings.Join(symbols, " or "), unix.ENOENT))
	}
	return nil, err
}

// isReturn reports whether the section is for a function's return.
func (p *Program) isReturn() bool {
	kind, _, _ := strings.Cut(strings.TrimPrefix(p.spec.Section, "?"), "/")
	return strings.HasPrefix(kind, "kret") || strings.HasPrefix(kind, "uret")
}

// kprobeTarget parses FUNCTION+OFFSET in the section's name. The first of symbols that exists is
// meant.
func (p *Program) kprobeTarget() (symbols []string, offset uint64, err error) {
	if p.attachTo() == "" {
		return nil, 0, ErrNoAttachTarget
	}
	if strings.Contains(strings.SplitN(p.spec.Section, "/", 2)[0], "syscall") {
		name := p.spec.AttachTo
		return []string{syscallPrefix() + "sys_" + name, "__se_sys_" + name, "sys_" + name}, 0, nil
	}
	symbol, off, ok := strings.Cut(p.spec.AttachTo, "+")
	if ok {
		if offset, err = strconv.ParseUint(off, 0, 64); err != nil {
			return nil, 0, fmt.Errorf("offset in section %q: %w", p.spec.Section, err)
		}
	}
	return withSyscallWrapper(symbol), offset, nil
}

// withSyscallWrapper returns symbol and, for system calls, the name of the architecture's wrapper.
func withSyscallWrapper(symbol string) []string {
	if prefix := syscallPrefix(); prefix != "" && strings.HasPrefix(symbol, "sys_") {
		return []string{symbol, prefix + symbol}
	}
	return []string{symbol}
}

// syscallPrefix returns what the architecture puts before sys_NAME
// (arch/*/include/asm/syscall_wrapper.h).
func syscallPrefix() string {
	switch goruntime.GOARCH {
	case "amd64":
		return "__x64_"
	case "386":
		return "__ia32_"
	case "arm64":
		return "__arm64_"
	case "s390x":
		return "__s390x_"
	case "riscv64":
		return "__riscv_"
	}
	return ""
}
