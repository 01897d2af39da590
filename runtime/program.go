package runtime

// Program is a program of a loaded object, without its kind; generated
// packages wrap it in one that has the methods which make sense for it. Its
// methods are safe for concurrent use, and return an error that wraps
// os.ErrClosed after the skeleton is closed.
type Program struct {
	fd   fd // notWanted if it is not to be loaded
	spec *ProgramSpec
}

// Name returns the name of the program's C function.
func (p *Program) Name() string { return p.spec.Name }

// FD returns the program's file descriptor, -1 if it is closed or was not
// loaded. It stays the program's own: do not close it, and do not use it after
// the skeleton is closed.
func (p *Program) FD() int { return p.fd.peek() }

// DupFD returns a new file descriptor for the program, which the caller owns.
func (p *Program) DupFD() (int, error) { return p.fd.dup() }

// Spec describes the program as the object defines it.
func (p *Program) Spec() *ProgramSpec { return p.spec }

// AutoLoad tells whether the program is loaded with its object.
func (p *Program) AutoLoad() bool { return p.fd.num.Load() != notWanted }

// SetAutoLoad says whether the program shall be loaded with its object. It
// has no effect once the object is loaded, and is not safe for concurrent use.
func (p *Program) SetAutoLoad(load bool) {
	switch {
	case p.fd.num.Load() > 0:
	case load:
		p.fd.set(0)
	default:
		p.fd.set(notWanted)
	}
}
