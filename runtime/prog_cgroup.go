package runtime

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// CgroupProgram is a program that works for the processes of a cgroup, of type
// CGROUP_SOCK, CGROUP_SOCK_ADDR, CGROUP_SOCKOPT, CGROUP_SYSCTL, CGROUP_DEVICE or SOCK_OPS, or
// LSM with the section lsm_cgroup. The section says what of theirs it sees.
type CgroupProgram struct{ *Program }

// NewCgroupProgram gives p its kind.
func NewCgroupProgram(p *Program) CgroupProgram { return CgroupProgram{p} }

// AttachCgroup attaches the program to the cgroup (version 2) in that directory, and so to those below it.
func (p CgroupProgram) AttachCgroup(dir string) (*Link, error) {
	what := "attach to cgroup " + dir
	num, err := sys.Open(dir)
	if err != nil {
		return nil, p.fail(what, err)
	}
	defer unix.Close(num)
	return linkCreate(p.Program, what, num, p.spec.AttachType, 0, noTail)
}

// AttachCgroupFD is AttachCgroup for an open directory.
func (p CgroupProgram) AttachCgroupFD(num int) (*Link, error) {
	return linkCreate(p.Program, fmt.Sprintf("attach to cgroup of fd %d", num), num, p.spec.AttachType, 0, noTail)
}

// CgroupSKBProgram is a program of type CGROUP_SKB: it sees the packets of a cgroup.
type CgroupSKBProgram struct{ CgroupProgram }

// NewCgroupSKBProgram gives p its kind.
func NewCgroupSKBProgram(p *Program) CgroupSKBProgram { return CgroupSKBProgram{CgroupProgram{p}} }

// Test runs the program on one packet. It finds the packet without the Ethernet header.
func (p CgroupSKBProgram) Test(t SKBTest) (SKBResult, error) { return testRun[uint32](p.Program, t) }
