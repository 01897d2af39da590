package runtime

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// NetfilterProgram is a program of type NETFILTER (6.4).
type NetfilterProgram struct{ *Program }

// NewNetfilterProgram returns p as a NetfilterProgram.
func NewNetfilterProgram(p *Program) NetfilterProgram { return NetfilterProgram{p} }

// NetfilterOptions are options for [NetfilterProgram.AttachNetfilter]. Nil means the defaults.
type NetfilterOptions struct {
	// Priority orders the programs of one hook, the lowest first. The smallest and the largest
	// int32 are not allowed. If a program with the same priority exists, the error is unix.EBUSY.
	Priority int32
	// Defrag reassembles fragments before the program runs.
	Defrag bool
}

// AttachNetfilter attaches the program to a hook in the network namespace of the calling thread.
// The family is unix.NFPROTO_IPV4 or unix.NFPROTO_IPV6, the hook one of unix.NF_INET_PRE_ROUTING
// and so on.
func (p NetfilterProgram) AttachNetfilter(family, hook uint32, opts *NetfilterOptions) (*Link, error) {
	tail := &sys.LinkNetfilterTail{Pf: family, Hooknum: hook}
	if opts != nil {
		tail.Priority = opts.Priority
		if opts.Defrag {
			tail.Flags = sys.FlagNetfilterIPDefrag
		}
	}
	what := fmt.Sprintf("attach to netfilter hook %d of family %d", hook, family)
	return linkCreate(p.Program, what, 0, sys.AttachNetfilter, 0, tailOf(tail))
}

// Test runs the program on one packet (6.4).
func (p NetfilterProgram) Test(t TestRun[NoContext]) (TestResult[uint32, NoContext], error) {
	return testRun[uint32](p.Program, t)
}
