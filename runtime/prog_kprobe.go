package runtime

import (
	"bufio"
	"fmt"
	"path"
	goruntime "runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// KprobeProgram is a program of type KPROBE for kernel functions: sections
// kprobe, kretprobe, ksyscall and kretsyscall.
type KprobeProgram struct{ *Program }

// NewKprobeProgram gives p its kind.
func NewKprobeProgram(p *Program) KprobeProgram { return KprobeProgram{p} }

// KprobeOptions say more about a kprobe; the zero value is what most want.
type KprobeOptions struct {
	// Offset into the function, in bytes.
	Offset uint64
	// Cookie is what bpf_get_attach_cookie returns.
	Cookie uint64
}

// Attach attaches the program to the function or system call that its section names.
func (p KprobeProgram) Attach() (*Link, error) {
	symbol, offset, err := p.kprobeTarget()
	if err != nil {
		return nil, p.fail("attach kprobe", err)
	}
	return p.attach(symbol, p.isReturn(), KprobeOptions{Offset: offset})
}

// AttachKprobe attaches the program to the entry of a kernel function.
func (p KprobeProgram) AttachKprobe(symbol string, opts KprobeOptions) (*Link, error) {
	return p.attach(symbol, false, opts)
}

// AttachKretprobe attaches the program to the return of a kernel function.
func (p KprobeProgram) AttachKretprobe(symbol string, opts KprobeOptions) (*Link, error) {
	return p.attach(symbol, true, opts)
}

func (p KprobeProgram) attach(symbol string, ret bool, opts KprobeOptions) (*Link, error) {
	what := "attach kprobe to " + symbol
	if ret {
		what = "attach kretprobe to " + symbol
	}
	return attachProbe(p.Program, what, "kprobe", symbol, opts.Offset, ret, 0, -1, opts.Cookie)
}

// isReturn tells whether the section is for the return of a function.
func (p *Program) isReturn() bool {
	kind, _, _ := strings.Cut(strings.TrimPrefix(p.spec.Section, "?"), "/")
	return strings.HasPrefix(kind, "kret") || strings.HasPrefix(kind, "uret")
}

// kprobeTarget reads FUNCTION+OFFSET of the section's name.
func (p *Program) kprobeTarget() (symbol string, offset uint64, err error) {
	if p.spec.AttachTo == "" {
		return "", 0, ErrNoAttachTarget
	}
	if strings.Contains(strings.SplitN(p.spec.Section, "/", 2)[0], "syscall") {
		return syscallSymbol(p.spec.AttachTo), 0, nil
	}
	symbol, off, ok := strings.Cut(p.spec.AttachTo, "+")
	if ok {
		if offset, err = strconv.ParseUint(off, 0, 64); err != nil {
			return "", 0, fmt.Errorf("offset in section %q: %w", p.spec.Section, err)
		}
	}
	return symbol, offset, nil
}

// syscallSymbol is the kernel function of a system call (the kernel's
// arch/*/include/asm/syscall_wrapper.h).
func syscallSymbol(name string) string {
	prefix := map[string]string{
		"amd64": "__x64_", "arm64": "__arm64_", "s390x": "__s390x_", "riscv64": "__riscv_", "386": "__ia32_",
	}[goruntime.GOARCH]
	return prefix + "sys_" + name
}

// KprobeMultiProgram is a program of type KPROBE for many kernel functions
// with one link (5.18): sections kprobe.multi, kretprobe.multi and kprobe.session.
type KprobeMultiProgram struct{ *Program }

// NewKprobeMultiProgram gives p its kind.
func NewKprobeMultiProgram(p *Program) KprobeMultiProgram { return KprobeMultiProgram{p} }

// KprobeMultiOptions say where a program is attached: either Symbols or Addresses.
type KprobeMultiOptions struct {
	Symbols   []string
	Addresses []uint64
	// Cookies is what bpf_get_attach_cookie returns, one for each function; nil for none.
	Cookies []uint64
	// Return is set for the return of the functions.
	Return bool
}

// Attach attaches the program to all functions that match the pattern in its section.
func (p KprobeMultiProgram) Attach() (*Link, error) {
	if p.spec.AttachTo == "" {
		return nil, p.fail("attach kprobe.multi", ErrNoAttachTarget)
	}
	symbols := []string{p.spec.AttachTo}
	if strings.ContainsAny(p.spec.AttachTo, "*?") {
		var err error
		if symbols, err = matchFunctions(p.spec.AttachTo); err != nil {
			return nil, p.fail("attach kprobe.multi to "+p.spec.AttachTo, err)
		}
	}
	return p.AttachKprobeMulti(KprobeMultiOptions{Symbols: symbols, Return: p.isReturn()})
}

// AttachKprobeMulti attaches the program to all these functions, or to none.
func (p KprobeMultiProgram) AttachKprobeMulti(opts KprobeMultiOptions) (*Link, error) {
	n := len(opts.Symbols) + len(opts.Addresses)
	what := fmt.Sprintf("attach kprobe.multi to %d functions", n)
	if n == 0 || (opts.Symbols != nil && opts.Addresses != nil) || (opts.Cookies != nil && len(opts.Cookies) != n) {
		return nil, p.fail(what, unix.EINVAL)
	}
	tail := &sys.LinkKprobeMultiTail{Cnt: uint32(n)}
	if opts.Return {
		tail.Flags = sys.FlagKprobeMultiReturn
	}
	var names []uint64
	var keep [][]byte
	for _, s := range opts.Symbols {
		addr, b := sys.CString(s)
		names, keep = append(names, addr), append(keep, b)
	}
	tail.Syms, tail.Addrs, tail.Cookies = addrOf(names), addrOf(opts.Addresses), addrOf(opts.Cookies)
	attachType := uint32(sys.AttachTraceKprobeMulti)
	if p.spec.AttachType == sys.AttachTraceKprobeSession {
		attachType = sys.AttachTraceKprobeSession
	}
	l, err := linkCreate(p.Program, what, 0, attachType, 0, tail)
	goruntime.KeepAlive(keep)
	goruntime.KeepAlive(names)
	goruntime.KeepAlive(opts)
	return l, err
}

// addrOf is the address of a list of numbers, 0 for an empty one.
func addrOf(list []uint64) uint64 {
	if len(list) == 0 {
		return 0
	}
	return sys.Addr(unsafe.Pointer(&list[0]))
}

// matchFunctions lists the functions that can be traced and match a pattern of * and ?.
func matchFunctions(pattern string) ([]string, error) {
	f, err := openTraceFS("available_filter_functions")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found []string
	seen := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, _, _ := strings.Cut(lines.Text(), " ") // "name [module]"
		if ok, err := path.Match(pattern, name); err != nil {
			return nil, err
		} else if ok && !seen[name] {
			seen[name] = true
			found = append(found, name)
		}
	}
	if len(found) == 0 && lines.Err() == nil {
		return nil, unix.ENOENT
	}
	return found, lines.Err()
}
