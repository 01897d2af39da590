package runtime

// Program is a program of a loaded object, without its type. Generated packages wrap it in a typed
// program, such as [XDPProgram], whose methods suit its type. Its methods are safe for concurrent
// use, and return an error that wraps os.ErrClosed before the load and after the skeleton is
// closed.
//
// On a nil or zero Program, methods return an error if they can, and panic otherwise.
type Program struct {
	_ incomparable

	fd   fd // notWanted if it will not be loaded
	spec *ProgramSpec
}

// Name returns the name of the program's C function.
func (p *Program) Name() string { return p.mustSpec().Name }

// FD returns the program's file descriptor, or -1 if the program is closed or was not loaded. The
// program owns it: do not close it, and do not use it after the skeleton is closed.
func (p *Program) FD() int {
	p.mustSpec()
	return p.fd.peek()
}

// DupFD returns a new file descriptor for the program, which the caller owns.
func (p *Program) DupFD() (int, error) {
	if !p.exists() {
		return -1, p.fail("duplicate fd", errNoProgram)
	}
	num, err := p.fd.dup()
	if err != nil {
		return -1, p.fail("duplicate fd", err)
	}
	return num, nil
}

// Spec returns the description of the program as the object defines it.
func (p *Program) Spec() *ProgramSpec { return p.mustSpec() }

// AutoLoad reports whether Load loads the program.
func (p *Program) AutoLoad() bool {
	p.mustSpec()
	return p.wanted()
}

func (p *Program) wanted() bool { return p.fd.num.Load() != notWanted }

// SetAutoLoad sets whether Load loads the program. It has no effect after the load, and is not safe
// for concurrent use.
func (p *Program) SetAutoLoad(load bool) {
	p.mustSpec()
	p.want(load)
}

func (p *Program) want(load bool) {
	switch {
	case p.fd.num.Load() > 0:
	case load:
		p.fd.set(0)
	default:
		p.fd.set(notWanted)
	}
}

// exists reports whether p is neither nil nor a zero Program.
func (p *Program) exists() bool { return p != nil && p.spec != nil }

// mustSpec returns the spec. It is for methods that cannot return an error.
//
//go:noinline
func (p *Program) mustSpec() *ProgramSpec {
	if !p.exists() {
		panic("bpf2lskel/runtime: " + errNoProgram.Error())
	}
	return p.spec
}

// attachTo returns the target in p's section, or "" for a nil or zero Program.
func (p *Program) attachTo() string {
	if !p.exists() {
		return ""
	}
	return p.spec.AttachTo
}

// acquire is fd.acquire with an error that names the program, the operation, and the reason.
func (p *Program) acquire(op string) (int, error) {
	if !p.exists() {
		return -1, p.fail(op, errNoProgram)
	}
	num, err := p.fd.acquire()
	if err != nil {
		return -1, p.fail(op, err)
	}
	return num, nil
}

// programOf returns the program of any. It is never nil: instead of nil, it is a zero Program,
// whose use is an error.
func programOf(any AnyProgram) *Program {
	if any != nil {
		if p := any.untyped(); p != nil {
			return p
		}
	}
	return new(Program)
}
