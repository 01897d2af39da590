package runtime

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// XDPProgram is a program of type XDP.
type XDPProgram struct{ *Program }

// NewXDPProgram returns p as an XDPProgram.
func NewXDPProgram(p *Program) XDPProgram { return XDPProgram{p} }

// XDPMode selects where in the network stack an XDP program runs.
type XDPMode uint32

const (
	// XDPAuto lets the kernel choose: native if the driver supports it, generic otherwise.
	XDPAuto XDPMode = 0
	// XDPGeneric runs after the socket buffer is allocated. It works with any driver.
	XDPGeneric XDPMode = unix.XDP_FLAGS_SKB_MODE
	// XDPNative runs in the driver, which must support it.
	XDPNative XDPMode = unix.XDP_FLAGS_DRV_MODE
	// XDPOffload runs in the network card.
	XDPOffload XDPMode = unix.XDP_FLAGS_HW_MODE
)

// XDPOptions are options for [XDPProgram.AttachXDP]. Nil means the defaults.
type XDPOptions struct {
	// Mode is where in the network stack the program runs.
	Mode XDPMode
}

// AttachXDP attaches the program to a network interface. If another program is already attached,
// the error is unix.EBUSY.
func (p XDPProgram) AttachXDP(ifindex int, opts *XDPOptions) (*Link, error) {
	mode := XDPAuto
	if opts != nil {
		mode = opts.Mode
	}
	l, err := linkCreate(p.Program, fmt.Sprintf("attach XDP to interface %d", ifindex), ifindex, sys.AttachXDP, uint32(mode), nil)
	return l, hinted(err, explain.XDPHint)
}

// XDPAction is the return value of an XDP program.
type XDPAction uint32

// enum xdp_action.
const (
	XDPAborted XDPAction = iota
	XDPDrop
	XDPPass
	XDPTx
	XDPRedirect
)

// String returns the name of the action in C, such as XDP_DROP.
func (a XDPAction) String() string {
	names := [...]string{"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"}
	if int(a) < len(names) {
		return names[a]
	}
	return fmt.Sprintf("XDP action %d", uint32(a))
}

// XDPContext is struct xdp_md. Data and DataEnd are offsets into the data of a test run. The bytes
// before Data are metadata.
type XDPContext struct {
	Data           uint32
	DataEnd        uint32
	DataMeta       uint32
	IngressIfindex uint32
	RxQueueIndex   uint32
	EgressIfindex  uint32
}

type (
	// XDPTest is the input of [XDPProgram.Test].
	XDPTest = TestRun[XDPContext]
	// XDPResult is the result of [XDPProgram.Test].
	XDPResult = TestResult[XDPAction, XDPContext]
)

// Test runs the program on one packet. If DataEnd is 0 in the context, it is the length of the
// packet.
func (p XDPProgram) Test(t XDPTest) (XDPResult, error) {
	if t.Context != nil && t.Context.DataEnd == 0 {
		ctx := *t.Context
		ctx.DataEnd = uint32(len(t.Data))
		t.Context = &ctx
	}
	return testRun[XDPAction](p.Program, t)
}
