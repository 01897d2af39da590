package runtime

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// CgroupProgram is a program that works for the processes of a cgroup, of type
// CGROUP_SOCK, CGROUP_SOCK_ADDR, CGROUP_SOCKOPT, CGROUP_SYSCTL, CGROUP_DEVICE or SOCK_OPS, or
// LSM with the section lsm_cgroup. The section says what of theirs it sees.
type CgroupProgram struct{ *Program }

// NewCgroupProgram gives p its kind.
func NewCgroupProgram(p *Program) CgroupProgram { return CgroupProgram{p} }

// CgroupOptions say more about an attachment to a cgroup; nil means the defaults.
type CgroupOptions struct {
	// Anchor is the program's place among those of the cgroup (6.17).
	Anchor Anchor
}

// AttachCgroup attaches the program to the cgroup (version 2) in that directory, and so to those
// below it.
func (p CgroupProgram) AttachCgroup(dir string, opts *CgroupOptions) (*Link, error) {
	what := "attach to cgroup " + dir
	num, err := sys.Open(dir)
	if err != nil {
		return nil, p.fail(what, err)
	}
	defer unix.Close(num)
	return p.attachCgroup(what, num, opts)
}

// AttachCgroupFD is AttachCgroup for an open directory.
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

// CgroupSKBProgram is a program of type CGROUP_SKB: it sees the packets of a cgroup.
type CgroupSKBProgram struct{ CgroupProgram }

// NewCgroupSKBProgram gives p its kind.
func NewCgroupSKBProgram(p *Program) CgroupSKBProgram { return CgroupSKBProgram{CgroupProgram{p}} }

// Test runs the program on one packet. It finds the packet without the Ethernet header.
func (p CgroupSKBProgram) Test(t SKBTest) (SKBResult, error) { return testRun[uint32](p.Program, t) }
