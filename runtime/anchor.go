package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/sys"

// Anchor says where among the programs of one hook a program goes: TCX,
// netkit, and cgroups since 6.17. The zero Anchor is after all that are there.
type Anchor struct {
	flags   uint32
	id      uint32
	program *Program
	link    *Link
}

// AtHead is before all others.
func AtHead() Anchor { return Anchor{flags: sys.FlagBefore} }

// AtTail is after all others.
func AtTail() Anchor { return Anchor{flags: sys.FlagAfter} }

// BeforeProgram is right before p, wherever that is.
func BeforeProgram(p AnyProgram) Anchor {
	return Anchor{flags: sys.FlagBefore, program: programOf(p)}
}

// AfterProgram is right after p.
func AfterProgram(p AnyProgram) Anchor {
	return Anchor{flags: sys.FlagAfter, program: programOf(p)}
}

// BeforeLink is right before the program of l.
func BeforeLink(l *Link) Anchor {
	return Anchor{flags: sys.FlagBefore | sys.FlagLink, link: anchorLink(l)}
}

// AfterLink is right after the program of l.
func AfterLink(l *Link) Anchor {
	return Anchor{flags: sys.FlagAfter | sys.FlagLink, link: anchorLink(l)}
}

// BeforeProgramID is right before the program that the kernel knows by id.
func BeforeProgramID(id uint32) Anchor {
	return Anchor{flags: sys.FlagBefore | sys.FlagID, id: id}
}

// AfterProgramID is right after the program that the kernel knows by id.
func AfterProgramID(id uint32) Anchor { return Anchor{flags: sys.FlagAfter | sys.FlagID, id: id} }

// anchorLink is l, or for nil a zero Link, whose use is an error.
func anchorLink(l *Link) *Link {
	if l == nil {
		return new(Link)
	}
	return l
}

// acquire returns the file descriptor or ID that the anchor refers to, good until release.
func (at Anchor) acquire() (num uint32, release func(), err error) {
	var n int
	switch {
	case at.program != nil:
		n, err = at.program.acquire("use as an anchor")
		release = at.program.fd.release
	case at.link != nil:
		n, err = at.link.acquire("use as an anchor")
		release = at.link.fd.release
	default:
		return at.id, func() {}, nil
	}
	if err != nil {
		return 0, nil, err
	}
	return uint32(n), release, nil
}

// linkCreate attaches p at a place among others.
func (at Anchor) linkCreate(p *Program, what string, target int, attachType uint32) (*Link, error) {
	if at == (Anchor{}) {
		return linkCreate(p, what, target, attachType, 0, nil)
	}
	num, release, err := at.acquire()
	if err != nil {
		return nil, p.fail(what, err)
	}
	defer release()
	return linkCreate(p, what, target, attachType, at.flags, tailOf(&sys.LinkRelativeTail{RelativeFd: num}))
}
