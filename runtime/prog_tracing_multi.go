package runtime

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/kernelbtf"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// TracingMultiProgram is a program of type TRACING for many functions of the kernel with one link
// (7.2): sections fentry.multi, fexit.multi and fsession.multi. It gets arguments as numbers, since
// each function has its own.
type TracingMultiProgram struct{ *Program }

// NewTracingMultiProgram gives p its kind.
func NewTracingMultiProgram(p *Program) TracingMultiProgram { return TracingMultiProgram{p} }

// TracingMultiOptions say more about an attachment to many functions; nil means the defaults.
type TracingMultiOptions struct {
	// IDs are BTF IDs of functions in vmlinux's BTF, instead of their names, which are nil then.
	IDs []uint32
	// Cookies is what bpf_get_attach_cookie returns, one for each name or ID; nil for none. All
	// functions that a pattern matches have the pattern's.
	Cookies []uint64
}

// Attach attaches the program to the function, or all functions that match the pattern, in its
// section.
func (p TracingMultiProgram) Attach(opts *TracingMultiOptions) (*Link, error) {
	if p.attachTo() == "" {
		return nil, p.fail("attach to functions", ErrNoAttachTarget)
	}
	return p.AttachTracingMulti([]string{p.spec.AttachTo}, opts)
}

// AttachTracingMulti attaches the program to all these functions, or to none. A name with * or ? is
// a pattern: it stands for those functions in tracefs's available_filter_functions that match it,
// are in the kernel itself rather than a module, and have arguments and a result that are passed in
// registers.
func (p TracingMultiProgram) AttachTracingMulti(functions []string, opts *TracingMultiOptions) (*Link, error) {
	if opts == nil {
		opts = &TracingMultiOptions{}
	}
	n := len(functions) + len(opts.IDs)
	what := fmt.Sprintf("attach to %d functions", n)
	if len(functions) == 1 {
		what = "attach to " + functions[0]
	}
	if _, err := p.acquire(what); err != nil {
		return nil, err
	}
	defer p.fd.release()
	switch {
	case n == 0:
		return nil, p.fail(what, errNoPlaces())
	case len(functions) > 0 && len(opts.IDs) > 0:
		return nil, p.fail(what, fmt.Errorf("both names and IDs are given: %w", unix.EINVAL))
	case opts.Cookies != nil && len(opts.Cookies) != n:
		return nil, p.fail(what, fmt.Errorf("%d Cookies for %d functions: %w", len(opts.Cookies), n, unix.EINVAL))
	}
	ids, cookies := opts.IDs, opts.Cookies
	if len(functions) > 0 {
		var err error
		if ids, cookies, err = functionIDs(functions, cookies); err != nil {
			return nil, p.fail(what, err)
		}
	}
	tail := &sys.LinkTracingMultiTail{Ids: sys.Addr(unsafe.Pointer(&ids[0])), Cookies: addrOf(cookies), Cnt: uint32(len(ids))}
	l, err := linkCreate(p.Program, what, 0, p.spec.AttachType, 0, tailOf(tail))
	runtime.KeepAlive(ids)
	runtime.KeepAlive(cookies)
	return l, err
}

// functionIDs are the BTF IDs of functions by names and patterns, sorted as they are given.
func functionIDs(functions []string, cookies []uint64) (ids []uint32, each []uint64, err error) {
	list, err := expandFunctions(functions, cookies)
	if err != nil {
		return nil, nil, err
	}
	kernel, err := kernelbtf.Read()
	if err != nil {
		return nil, nil, err
	}
	for i, name := range list.names {
		var id uint32
		if list.matched[i] {
			if id = kernel.ID(name); list.modules[i] || !kernel.Traceable(id) {
				continue
			}
		} else if id, err = kernel.Lookup(name); err != nil {
			return nil, nil, err
		}
		ids = append(ids, id)
		if cookies != nil {
			each = append(each, list.cookies[i])
		}
	}
	if len(ids) == 0 {
		return nil, nil, fmt.Errorf("none of the functions that match can have a program: %w", unix.ENOENT)
	}
	return ids, each, nil
}
