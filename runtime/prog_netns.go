package runtime

import (
	"fmt"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// NetNSOptions are options for attaching to a network namespace. There are none yet: pass nil.
type NetNSOptions struct{}

// SKLookupProgram is a program of type SK_LOOKUP, which chooses the socket for an incoming
// connection in a network namespace.
type SKLookupProgram struct{ *Program }

// NewSKLookupProgram returns p as an SKLookupProgram.
func NewSKLookupProgram(p *Program) SKLookupProgram { return SKLookupProgram{p} }

// AttachNetNS attaches the program to the network namespace with the given path, such as
// "/proc/self/ns/net" for the caller's.
func (p SKLookupProgram) AttachNetNS(path string, _ *NetNSOptions) (*Link, error) {
	return attachNetNS(p.Program, path, sys.AttachSKLookup)
}

// SKLookupContext is struct bpf_sk_lookup.
type SKLookupContext struct {
	Cookie         uint64 // of the chosen socket, in a test run
	Family         uint32
	Protocol       uint32
	RemoteIP4      uint32    // network byte order
	RemoteIP6      [4]uint32 // network byte order
	RemotePort     uint16    // network byte order
	_              uint16
	LocalIP4       uint32    // network byte order
	LocalIP6       [4]uint32 // network byte order
	LocalPort      uint32    // native byte order
	IngressIfindex uint32
	_              uint32
}

// Test runs the program on a connection. The result's context has the cookie of the chosen socket
// (5.14).
func (p SKLookupProgram) Test(t TestRun[SKLookupContext]) (TestResult[uint32, SKLookupContext], error) {
	return testRun[uint32](p.Program, t)
}

// FlowDissectorProgram is a program of type FLOW_DISSECTOR, which parses packets for the network
// stack of a network namespace.
type FlowDissectorProgram struct{ *Program }

// NewFlowDissectorProgram returns p as a FlowDissectorProgram.
func NewFlowDissectorProgram(p *Program) FlowDissectorProgram { return FlowDissectorProgram{p} }

// AttachNetNS attaches the program to the network namespace with the given path, such as
// "/proc/self/ns/net" for the caller's.
func (p FlowDissectorProgram) AttachNetNS(path string, _ *NetNSOptions) (*Link, error) {
	return attachNetNS(p.Program, path, sys.AttachFlowDissector)
}

// FlowKeys is struct bpf_flow_keys: what a flow dissector finds in a packet.
type FlowKeys struct {
	NHOff, THOff uint16 // offsets of the network and transport headers in the packet
	AddrProto    uint16 // ETH_P_IP or ETH_P_IPV6, if there are addresses
	IsFrag       uint8
	IsFirstFrag  uint8
	IsEncap      uint8
	IPProto      uint8
	NProto       uint16 // network byte order
	SPort, DPort uint16 // network byte order
	// Addrs has source and destination, in network byte order: 4 words each for IPv6, one word each
	// for IPv4.
	Addrs     [8]uint32
	Flags     uint32
	FlowLabel uint32 // network byte order
}

// Test runs the program on one packet. Only Flags may be set in the context. The result's context
// is what the program found.
func (p FlowDissectorProgram) Test(t TestRun[FlowKeys]) (TestResult[uint32, FlowKeys], error) {
	res, err := testRun[uint32](p.Program, t)
	if err == nil && len(res.Data) >= int(unsafe.Sizeof(FlowKeys{})) {
		res.Context = *(*FlowKeys)(unsafe.Pointer(&res.Data[0]))
		res.Data = nil
	}
	return res, err
}

func attachNetNS(p *Program, path string, attachType uint32) (*Link, error) {
	what := fmt.Sprintf("attach to network namespace %s", path)
	num, err := sys.Open(path)
	if err != nil {
		return nil, p.fail(what, err)
	}
	defer unix.Close(num)
	return linkCreate(p, what, num, attachType, 0, nil)
}
