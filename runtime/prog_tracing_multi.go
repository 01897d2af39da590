package runtime

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/kernelbtf"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// TracingMultiProgram is a program of type TRACING that one link attaches to many kernel functions
// (7.2): sections fentry.multi, fexit.multi and fsession.multi. It gets arguments as plain numbers,
// because their types differ between functions.
type TracingMultiProgram struct{ *Program }

// NewTracingMultiProgram returns p as a TracingMultiProgram.
func NewTracingMultiProgram(p *Program) TracingMultiProgram { return TracingMultiProgram{p} }

// TracingMultiOptions are options for attaching a TracingMultiProgram. Nil means the defaults.
type TracingMultiOptions struct {
	// IDs are BTF IDs of functions in vmlinux's BTF, to use instead of names, which must then be
	// nil.
	IDs []uint32
	// Cookies are the values that bpf_get_attach_cookie returns, one for each name or ID, or nil.
	// All functions that match a pattern have the pattern's cookie.
	Cookies []uint64
}

// Attach attaches the program to the function in its section, or to all functions that match the
// pattern there.
func (p TracingMultiProgram) Attach(opts *TracingMultiOptions) (*Link, error) {
	if p.attachTo() == "" {
		return nil, p.fail("attach to functions", ErrNoAttachTarget)
	}
	return p.AttachTracingMulti([]string{p.spec.AttachTo}, opts)
}

// AttachTracingMulti attaches the program to all given functions, or to none. A name with * or ? is
// a pattern for the functions in tracefs's available_filter_functions that are in the kernel itself
// rather than a module, and whose arguments and results are passed in registers.
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
		return nil, p.fail(what, fmt.Errorf("both names and IDs are set: %w", unix.EINVAL))
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

// functionIDs returns the BTF IDs of the functions with the given names and patterns, in that
// order.
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
		return nil, nil, fmt.Errorf("no matching function can have a program attached: %w", unix.ENOENT)
	}
	return ids, each, nil
}
