package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/sys"

// TracingProgram is a program of type TRACING that is loaded for, and attached to, one kernel
// function or tracepoint: sections fentry, fexit, fmod_ret, tp_btf and fsession.
type TracingProgram struct{ *Program }

// NewTracingProgram returns p as a TracingProgram.
func NewTracingProgram(p *Program) TracingProgram { return TracingProgram{p} }

// TracingOptions are options for [TracingProgram.Attach]. Nil means the defaults.
type TracingOptions struct {
	// Cookie is the value that bpf_get_attach_cookie returns (6.0; tp_btf: 6.10).
	Cookie uint64
}

// Attach attaches the program to the function or tracepoint that it was loaded for.
func (p TracingProgram) Attach(opts *TracingOptions) (*Link, error) {
	if opts == nil {
		opts = &TracingOptions{}
	}
	return attachTracing(p.Program, opts.Cookie)
}

// LSMProgram is a program of type LSM that applies to all processes: section lsm.
type LSMProgram struct{ *Program }

// NewLSMProgram returns p as an LSMProgram.
func NewLSMProgram(p *Program) LSMProgram { return LSMProgram{p} }

// LSMOptions are options for [LSMProgram.Attach]. Nil means the defaults.
type LSMOptions struct {
	// Cookie is the value that bpf_get_attach_cookie returns (6.0).
	Cookie uint64
}

// Attach attaches the program to the hook that it was loaded for.
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

// targetName returns what p was loaded for, for messages.
func (p *Program) targetName() string {
	switch {
	case !p.exists():
		return "its target"
	case p.spec.AttachTo != "":
		return p.spec.AttachTo
	}
	return p.spec.Section
}

// RawTracepointProgram is a program of type RAW_TRACEPOINT or RAW_TRACEPOINT_WRITABLE, which gets
// the raw arguments of a tracepoint.
type RawTracepointProgram struct{ *Program }

// NewRawTracepointProgram returns p as a RawTracepointProgram.
func NewRawTracepointProgram(p *Program) RawTracepointProgram { return RawTracepointProgram{p} }

// RawTracepointOptions are options for attaching to a raw tracepoint. Nil means the defaults.
type RawTracepointOptions struct {
	// Cookie is the value that bpf_get_attach_cookie returns (6.10).
	Cookie uint64
}

// Attach attaches the program to the tracepoint that its section names.
func (p RawTracepointProgram) Attach(opts *RawTracepointOptions) (*Link, error) {
	if p.attachTo() == "" {
		return nil, p.fail("attach to raw tracepoint", ErrNoAttachTarget)
	}
	return p.AttachRawTracepoint(p.spec.AttachTo, opts)
}

// AttachRawTracepoint attaches the program to the tracepoint with the given name, such as
// "sched_switch".
func (p RawTracepointProgram) AttachRawTracepoint(name string, opts *RawTracepointOptions) (*Link, error) {
	cookie := uint64(0)
	if opts != nil {
		cookie = opts.Cookie
	}
	return rawTracepointOpen(p.Program, "attach to raw tracepoint "+name, name, cookie)
}

// RawTracepointArgs are the arguments of a tracepoint in a test run.
type RawTracepointArgs [12]uint64

// Test runs the program with the given arguments (5.10).
func (p RawTracepointProgram) Test(args RawTracepointArgs) (TestResult[uint32, RawTracepointArgs], error) {
	num, err := p.acquire(opTestRun)
	var res TestResult[uint32, RawTracepointArgs]
	if err != nil {
		return res, err
	}
	defer p.fd.release()
	// bpf_prog_test_run_raw_tp does not return the context, and requires that none is asked for.
	ret, err := runWithContext(p.Program, num, &args)
	res.Return, res.Context = ret, args
	return res, err
}
