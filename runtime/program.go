package runtime

// Program is a program of a loaded object, without its kind; generated
// packages wrap it in one that has the methods which make sense for it. Its
// methods are safe for concurrent use, and return an error that wraps
// os.ErrClosed before the load and after the skeleton is closed.
//
// Programs come from a skeleton. On a nil or zero Program, methods with an error return one that
// says so; the others panic.
type Program struct {
	_ incomparable

	fd   fd // notWanted if it is not to be loaded
	spec *ProgramSpec
}

// Name returns the name of the program's C function.
func (p *Program) Name() string { return p.mustSpec().Name }

// FD returns the program's file descriptor, -1 if it is closed or was not
// loaded. It stays the program's own: do not close it, and do not use it after
// the skeleton is closed.
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

// Spec describes the program as the object defines it.
func (p *Program) Spec() *ProgramSpec { return p.mustSpec() }

// AutoLoad reports whether the program is loaded with its object.
func (p *Program) AutoLoad() bool {
	p.mustSpec()
	return p.wanted()
}

func (p *Program) wanted() bool { return p.fd.num.Load() != notWanted }

// SetAutoLoad sets whether the program is loaded with its object. It
// has no effect once the object is loaded, and is not safe for concurrent use.
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

// exists is false for a nil or zero Program, as in the zero value of a typed one.
func (p *Program) exists() bool { return p != nil && p.spec != nil }

// mustSpec is for methods that cannot return an error.
//
//go:noinline
func (p *Program) mustSpec() *ProgramSpec {
	if !p.exists() {
		panic("bpf2lskel: " + errNoProgram.Error())
	}
	return p.spec
}

// attachTo is what p's section names, "" for a nil or zero Program.
func (p *Program) attachTo() string {
	if !p.exists() {
		return ""
	}
	return p.spec.AttachTo
}

// acquire is fd.acquire with an error that names the program, what was to be done, and why it
// cannot be.
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

// programOf is the program of any, never nil: a nil one is a zero Program, whose use is an error.
func programOf(any AnyProgram) *Program {
	if any != nil {
		if p := any.untyped(); p != nil {
			return p
		}
	}
	return new(Program)
}
