package runtime

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// KprobeMultiProgram is a program of type KPROBE that one link attaches to many kernel functions
// (5.18): sections kprobe.multi, kretprobe.multi and kprobe.session.
type KprobeMultiProgram struct{ *Program }

// NewKprobeMultiProgram returns p as a KprobeMultiProgram.
func NewKprobeMultiProgram(p *Program) KprobeMultiProgram { return KprobeMultiProgram{p} }

// KprobeMultiOptions are options for attaching a KprobeMultiProgram. Nil means the defaults.
type KprobeMultiOptions struct {
	// Addresses are addresses of functions, to use instead of names, which must then be nil.
	Addresses []uint64
	// Cookies are the values that bpf_get_attach_cookie returns, one for each name or address, or
	// nil. All functions that match a pattern have the pattern's cookie.
	Cookies []uint64
}

// Attach attaches the program to the function in its section, or to all functions that match the
// pattern there.
func (p KprobeMultiProgram) Attach(opts *KprobeMultiOptions) (*Link, error) {
	if p.attachTo() == "" {
		return nil, p.fail("attach kprobe.multi", ErrNoAttachTarget)
	}
	flags := uint32(0)
	if p.isReturn() {
		flags = sys.FlagKprobeMultiReturn
	}
	return p.attach([]string{p.spec.AttachTo}, flags, opts)
}

// AttachKprobeMulti attaches the program to the entries of all given functions, or to none. A name
// with * or ? is a pattern for the functions in tracefs's available_filter_functions. If a name is
// sys_NAME and the kernel has no such function, it is the architecture's function for that system
// call, such as __x64_sys_NAME.
func (p KprobeMultiProgram) AttachKprobeMulti(symbols []string, opts *KprobeMultiOptions) (*Link, error) {
	return p.attach(symbols, 0, opts)
}

// AttachKretprobeMulti attaches the program to the returns of all given functions, or to none; see
// AttachKprobeMulti.
func (p KprobeMultiProgram) AttachKretprobeMulti(symbols []string, opts *KprobeMultiOptions) (*Link, error) {
	return p.attach(symbols, sys.FlagKprobeMultiReturn, opts)
}

func (p KprobeMultiProgram) attach(symbols []string, flags uint32, opts *KprobeMultiOptions) (*Link, error) {
	if opts == nil {
		opts = &KprobeMultiOptions{}
	}
	kind := "kprobe.multi"
	if flags != 0 {
		kind = "kretprobe.multi"
	}
	n := len(symbols) + len(opts.Addresses)
	what := fmt.Sprintf("attach %s to %d functions", kind, n)
	if len(symbols) == 1 {
		what = "attach " + kind + " to " + symbols[0]
	}
	if _, err := p.acquire(what); err != nil {
		return nil, err
	}
	defer p.fd.release()
	switch {
	case n == 0:
		return nil, p.fail(what, errNoPlaces())
	case len(symbols) > 0 && len(opts.Addresses) > 0:
		return nil, p.fail(what, fmt.Errorf("both names and Addresses are set: %w", unix.EINVAL))
	case opts.Cookies != nil && len(opts.Cookies) != n:
		return nil, p.fail(what, fmt.Errorf("%d Cookies for %d functions: %w", len(opts.Cookies), n, unix.EINVAL))
	case len(opts.Addresses) > 0:
		return p.create(what, nil, opts.Addresses, opts.Cookies, flags)
	}
	list, err := expandFunctions(symbols, opts.Cookies)
	if err != nil {
		return nil, p.fail(what, err)
	}
	l, err := p.create(what, list.names, nil, list.cookies, flags)
	if !errors.Is(err, unix.ESRCH) {
		return l, err
	}
	if again := list.elsewhere(); len(again.names) > 0 {
		if l, err = p.create(what, again.names, nil, again.cookies, flags); !errors.Is(err, unix.ESRCH) {
			return l, err
		}
	}
	if missing := missingFunctions(list.names); len(missing) > 0 {
		err = p.fail(what, fmt.Errorf("this kernel has no function %s: %w", strings.Join(missing, ", "), unix.ESRCH))
	}
	return nil, err
}

// create creates the link.
func (p KprobeMultiProgram) create(what string, symbols []string, addresses, cookies []uint64, flags uint32) (*Link, error) {
	tail := &sys.LinkKprobeMultiTail{Cnt: uint32(len(symbols) + len(addresses)), Flags: flags}
	var names []uint64
	var keep [][]byte
	for _, s := range symbols {
		addr, b, err := cString(s)
		if err != nil {
			return nil, p.fail(what, err)
		}
		names, keep = append(names, addr), append(keep, b)
	}
	tail.Syms, tail.Addrs, tail.Cookies = addrOf(names), addrOf(addresses), addrOf(cookies)
	attachType := uint32(sys.AttachTraceKprobeMulti)
	if p.spec.AttachType == sys.AttachTraceKprobeSession {
		attachType = sys.AttachTraceKprobeSession
	}
	l, err := linkCreate(p.Program, what, 0, attachType, 0, tailOf(tail))
	goruntime.KeepAlive(keep)
	goruntime.KeepAlive(names)
	goruntime.KeepAlive(addresses)
	goruntime.KeepAlive(cookies)
	return l, err
}

func errNoPlaces() error {
	return fmt.Errorf("nothing to attach to: the list is empty: %w", unix.EINVAL)
}

// addrOf returns the address of the first element of list, or 0 if it is empty.
func addrOf(list []uint64) uint64 {
	if len(list) == 0 {
		return 0
	}
	return sys.Addr(unsafe.Pointer(&list[0]))
}
