package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/sys"

// Anchor is a position among the programs attached to one hook: TCX, netkit, and cgroups since
// 6.17. The zero Anchor is after all programs that are already there.
type Anchor struct {
	flags   uint32
	id      uint32
	program *Program
	link    *Link
}

// AtHead returns the position before all other programs.
func AtHead() Anchor { return Anchor{flags: sys.FlagBefore} }

// AtTail returns the position after all other programs.
func AtTail() Anchor { return Anchor{flags: sys.FlagAfter} }

// BeforeProgram returns the position directly before p.
func BeforeProgram(p AnyProgram) Anchor {
	return Anchor{flags: sys.FlagBefore, program: programOf(p)}
}

// AfterProgram returns the position directly after p.
func AfterProgram(p AnyProgram) Anchor {
	return Anchor{flags: sys.FlagAfter, program: programOf(p)}
}

// BeforeLink returns the position directly before the program of l.
func BeforeLink(l *Link) Anchor {
	return Anchor{flags: sys.FlagBefore | sys.FlagLink, link: anchorLink(l)}
}

// AfterLink returns the position directly after the program of l.
func AfterLink(l *Link) Anchor {
	return Anchor{flags: sys.FlagAfter | sys.FlagLink, link: anchorLink(l)}
}

// BeforeProgramID returns the position directly before the program with the given kernel ID.
func BeforeProgramID(id uint32) Anchor {
	return Anchor{flags: sys.FlagBefore | sys.FlagID, id: id}
}

// AfterProgramID returns the position directly after the program with the given kernel ID.
func AfterProgramID(id uint32) Anchor { return Anchor{flags: sys.FlagAfter | sys.FlagID, id: id} }

// anchorLink returns l, or a zero Link if l is nil: using that returns an error.
func anchorLink(l *Link) *Link {
	if l == nil {
		return new(Link)
	}
	return l
}

// acquire returns the file descriptor or ID that the anchor refers to, valid until release.
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

// linkCreate attaches p at the given position.
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
