package runtime

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// CgroupProgram is a program that applies to the processes of a cgroup: type CGROUP_SOCK,
// CGROUP_SOCK_ADDR, CGROUP_SOCKOPT, CGROUP_SYSCTL, CGROUP_DEVICE or SOCK_OPS, or LSM with section
// lsm_cgroup. The section says which of their operations it sees.
type CgroupProgram struct{ *Program }

// NewCgroupProgram returns p as a CgroupProgram.
func NewCgroupProgram(p *Program) CgroupProgram { return CgroupProgram{p} }

// CgroupOptions are options for [CgroupProgram.AttachCgroup]. Nil means the defaults.
type CgroupOptions struct {
	// Anchor is the program's position among the cgroup's programs (6.17).
	Anchor Anchor
}

// AttachCgroup attaches the program to the cgroup (version 2) with the given directory, and so to
// its descendants.
func (p CgroupProgram) AttachCgroup(dir string, opts *CgroupOptions) (*Link, error) {
	what := "attach to cgroup " + dir
	num, err := sys.Open(dir)
	if err != nil {
		return nil, p.fail(what, err)
	}
	defer unix.Close(num)
	return p.attachCgroup(what, num, opts)
}

// AttachCgroupFD is AttachCgroup with an open directory.
func (p CgroupProgram) AttachCgroupFD(dirFD int, opts *CgroupOptions) (*Link, error) {
	return p.attachCgroup(fmt.Sprintf("attach to cgroup of fd %d", dirFD), dirFD, opts)
}

func (p CgroupProgram) attachCgroup(what string, dirFD int, opts *CgroupOptions) (*Link, error) {
	if opts == nil {
		opts = &CgroupOptions{}
	}
	if !p.exists() {
		return nil, p.fail(what, errNoProgram)
	}
	l, err := opts.Anchor.linkCreate(p.Program, what, dirFD, p.spec.AttachType)
	if err != nil && opts.Anchor != (Anchor{}) {
		err = tooNew(err, explain.TooNew("an Anchor for a cgroup", sys.Version{6, 17}))
	}
	return l, hinted(err, explain.CgroupHint)
}

// CgroupSKBProgram is a program of type CGROUP_SKB, which sees the packets of a cgroup.
type CgroupSKBProgram struct{ CgroupProgram }

// NewCgroupSKBProgram returns p as a CgroupSKBProgram.
func NewCgroupSKBProgram(p *Program) CgroupSKBProgram { return CgroupSKBProgram{CgroupProgram{p}} }

// Test runs the program on one packet. The program does not see the Ethernet header.
func (p CgroupSKBProgram) Test(t SKBTest) (SKBResult, error) { return testRun[uint32](p.Program, t) }
