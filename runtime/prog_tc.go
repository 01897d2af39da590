package runtime

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// SchedCLSProgram is a program of type SCHED_CLS: sections tc, tcx and netkit.
type SchedCLSProgram struct{ *Program }

// NewSchedCLSProgram returns p as a SchedCLSProgram.
func NewSchedCLSProgram(p *Program) SchedCLSProgram { return SchedCLSProgram{p} }

// SchedACTProgram is a program of type SCHED_ACT: section action. Attach it with tc.
type SchedACTProgram struct{ *Program }

// NewSchedACTProgram returns p as a SchedACTProgram.
func NewSchedACTProgram(p *Program) SchedACTProgram { return SchedACTProgram{p} }

// Direction is the direction of packets: incoming or outgoing.
type Direction uint32

const (
	Ingress Direction = sys.AttachTCXIngress
	Egress  Direction = sys.AttachTCXEgress
)

// NetkitSide selects a device of a netkit pair.
type NetkitSide uint32

const (
	// NetkitPrimary sees packets that leave the primary device.
	NetkitPrimary NetkitSide = sys.AttachNetkitPrimary
	// NetkitPeer sees packets that leave the peer device.
	NetkitPeer NetkitSide = sys.AttachNetkitPeer
)

// TCXOptions are options for [SchedCLSProgram.AttachTCX]. Nil means the defaults.
type TCXOptions struct {
	// Anchor is the program's position among the interface's programs.
	Anchor Anchor
}

// AttachTCX attaches the program to a network interface (6.6).
func (p SchedCLSProgram) AttachTCX(ifindex int, dir Direction, opts *TCXOptions) (*Link, error) {
	what := fmt.Sprintf("attach TCX ingress to interface %d", ifindex)
	if dir == Egress {
		what = fmt.Sprintf("attach TCX egress to interface %d", ifindex)
	}
	if opts == nil {
		opts = &TCXOptions{}
	}
	l, err := opts.Anchor.linkCreate(p.Program, what, ifindex, uint32(dir))
	return l, hinted(err, explain.InterfaceHint)
}

// NetkitOptions are options for [SchedCLSProgram.AttachNetkit]. Nil means the defaults.
type NetkitOptions struct {
	// Anchor is the program's position among the device's programs.
	Anchor Anchor
}

// AttachNetkit attaches the program to a netkit device (6.7). ifindex is that of the primary
// device.
func (p SchedCLSProgram) AttachNetkit(ifindex int, side NetkitSide, opts *NetkitOptions) (*Link, error) {
	if opts == nil {
		opts = &NetkitOptions{}
	}
	l, err := opts.Anchor.linkCreate(p.Program, fmt.Sprintf("attach to netkit interface %d", ifindex), ifindex, uint32(side))
	return l, hinted(err, explain.InterfaceHint)
}

// TCAction is the return value of a SCHED_CLS or SCHED_ACT program.
type TCAction uint32

// TC_ACT_*, and TCX_NEXT, which is the same as TCActUnspec.
const (
	TCActOK       TCAction = 0
	TCActShot     TCAction = 2
	TCActStolen   TCAction = 4
	TCActRedirect TCAction = 7
	TCActUnspec   TCAction = 1<<32 - 1
)

type (
	// SKBTest is the input of a test run on a socket buffer.
	SKBTest = TestRun[SKBContext]
	// TCResult is the result of [SchedCLSProgram.Test].
	TCResult = TestResult[TCAction, SKBContext]
	// SKBResult is the result of a test run on a socket buffer.
	SKBResult = TestResult[uint32, SKBContext]
)

// Test runs the program on one packet.
func (p SchedCLSProgram) Test(t SKBTest) (TCResult, error) { return testRun[TCAction](p.Program, t) }

// Test runs the program on one packet.
func (p SchedACTProgram) Test(t SKBTest) (TCResult, error) { return testRun[TCAction](p.Program, t) }

// SKBContext is struct __sk_buff. A test run accepts Mark, Priority, IngressIfindex, Ifindex, CB,
// Tstamp, WireLen, GSOSegs, GSOSize and Hwtstamp; other fields must be zero (convert___skb_to_skb).
type SKBContext struct {
	Len            uint32
	PktType        uint32
	Mark           uint32
	QueueMapping   uint32
	Protocol       uint32
	VlanPresent    uint32
	VlanTCI        uint32
	VlanProto      uint32
	Priority       uint32
	IngressIfindex uint32
	Ifindex        uint32
	TCIndex        uint32
	CB             [5]uint32
	Hash           uint32
	TCClassid      uint32
	Data           uint32
	DataEnd        uint32
	NAPIID         uint32
	Family         uint32
	RemoteIP4      uint32
	LocalIP4       uint32
	RemoteIP6      [4]uint32
	LocalIP6       [4]uint32
	RemotePort     uint32
	LocalPort      uint32
	DataMeta       uint32
	FlowKeys       uint64
	Tstamp         uint64
	WireLen        uint32
	GSOSegs        uint32
	SK             uint64
	GSOSize        uint32
	TstampType     uint8
	_              [3]byte
	Hwtstamp       uint64
}
