package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/sys"

// TracingProgram is a program of type TRACING that the kernel calls at a function or tracepoint
// that it was loaded for: sections fentry, fexit, fmod_ret, tp_btf and fsession.
type TracingProgram struct{ *Program }

// NewTracingProgram gives p its kind.
func NewTracingProgram(p *Program) TracingProgram { return TracingProgram{p} }

// TracingOptions say more about an attachment of a TracingProgram; nil means the defaults.
type TracingOptions struct {
	// Cookie is what bpf_get_attach_cookie returns (6.0; tp_btf: 6.10).
	Cookie uint64
}

// Attach attaches the program to what its section names.
func (p TracingProgram) Attach(opts *TracingOptions) (*Link, error) {
	if opts == nil {
		opts = &TracingOptions{}
	}
	return attachTracing(p.Program, opts.Cookie)
}

// LSMProgram is a program of type LSM for all processes: section lsm.
type LSMProgram struct{ *Program }

// NewLSMProgram gives p its kind.
func NewLSMProgram(p *Program) LSMProgram { return LSMProgram{p} }

// LSMOptions say more about an attachment of an LSMProgram; nil means the defaults.
type LSMOptions struct {
	// Cookie is what bpf_get_attach_cookie returns (6.0).
	Cookie uint64
}

// Attach attaches the program to the hook that its section names.
func (p LSMProgram) Attach(opts *LSMOptions) (*Link, error) {
	if opts == nil {
		opts = &LSMOptions{}
	}
	return attachTracing(p.Program, opts.Cookie)
}

func attachTracing(p *Program, cookie uint64) (*Link, error) {
	what := "attach to " + p.targetName()
	if cookie == 0 || !p.exists() {
		return rawTracepointOpen(p, what, "", 0)
	}
	return linkCreate(p, what, 0, p.spec.AttachType, 0, tailOf(&sys.LinkTracingTail{Cookie: cookie}))
}

// targetName is what p was loaded for, for messages.
func (p *Program) targetName() string {
	switch {
	case !p.exists():
		return "its target"
	case p.spec.AttachTo != "":
		return p.spec.AttachTo
	}
	return p.spec.Section
}

// RawTracepointProgram is a program of type RAW_TRACEPOINT or
// RAW_TRACEPOINT_WRITABLE: it gets a tracepoint's arguments as they are.
type RawTracepointProgram struct{ *Program }

// NewRawTracepointProgram gives p its kind.
func NewRawTracepointProgram(p *Program) RawTracepointProgram { return RawTracepointProgram{p} }

// RawTracepointOptions say more about an attachment to a raw tracepoint; nil means the defaults.
type RawTracepointOptions struct {
	// Cookie is what bpf_get_attach_cookie returns (6.10).
	Cookie uint64
}

// Attach attaches the program to the tracepoint that its section names.
func (p RawTracepointProgram) Attach(opts *RawTracepointOptions) (*Link, error) {
	if p.attachTo() == "" {
		return nil, p.fail("attach to raw tracepoint", ErrNoAttachTarget)
	}
	return p.AttachRawTracepoint(p.spec.AttachTo, opts)
}

// AttachRawTracepoint attaches the program to a tracepoint of that name, as in "sched_switch".
func (p RawTracepointProgram) AttachRawTracepoint(name string, opts *RawTracepointOptions) (*Link, error) {
	cookie := uint64(0)
	if opts != nil {
		cookie = opts.Cookie
	}
	return rawTracepointOpen(p.Program, "attach to raw tracepoint "+name, name, cookie)
}

// RawTracepointArgs are the arguments of a tracepoint in a test run.
type RawTracepointArgs [12]uint64

// Test runs the program with these arguments (5.10).
func (p RawTracepointProgram) Test(args RawTracepointArgs) (TestResult[uint32, RawTracepointArgs], error) {
	num, err := p.acquire(opTestRun)
	var res TestResult[uint32, RawTracepointArgs]
	if err != nil {
		return res, err
	}
	defer p.fd.release()
	// There is no way out for the context here: bpf_prog_test_run_raw_tp insists.
	ret, err := runWithContext(p.Program, num, &args)
	res.Return, res.Context = ret, args
	return res, err
}
