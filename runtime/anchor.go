package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/sys"

// Anchor says where among the programs of one hook a program goes: TCX,
// netkit, and cgroups since 6.17. The zero Anchor is behind all that are there.
type Anchor struct {
	flags   uint32
	id      uint32
	program *Program
	link    *Link
}

// AtHead is before all others.
func AtHead() Anchor { return Anchor{flags: sys.FlagBefore} }

// AtTail is behind all others.
func AtTail() Anchor { return Anchor{flags: sys.FlagAfter} }

// BeforeProgram is right before p, wherever that is.
func BeforeProgram(p AnyProgram) Anchor {
	return Anchor{flags: sys.FlagBefore, program: p.untyped()}
}

// AfterProgram is right behind p.
func AfterProgram(p AnyProgram) Anchor {
	return Anchor{flags: sys.FlagAfter, program: p.untyped()}
}

// BeforeLink is right before the program of l.
func BeforeLink(l *Link) Anchor { return Anchor{flags: sys.FlagBefore | sys.FlagLink, link: l} }

// AfterLink is right behind the program of l.
func AfterLink(l *Link) Anchor { return Anchor{flags: sys.FlagAfter | sys.FlagLink, link: l} }

// BeforeProgramID is right before the program that the kernel knows by id.
func BeforeProgramID(id uint32) Anchor {
	return Anchor{flags: sys.FlagBefore | sys.FlagID, id: id}
}

// AfterProgramID is right behind the program that the kernel knows by id.
func AfterProgramID(id uint32) Anchor { return Anchor{flags: sys.FlagAfter | sys.FlagID, id: id} }

// acquire returns the file descriptor or ID that the anchor refers to, good until release.
func (at Anchor) acquire() (num uint32, release func(), err error) {
	f := (*fd)(nil)
	switch {
	case at.program != nil:
		f = &at.program.fd
	case at.link != nil:
		f = &at.link.fd
	default:
		return at.id, func() {}, nil
	}
	n, err := f.acquire()
	if err != nil {
		return 0, nil, err
	}
	return uint32(n), f.release, nil
}
