package runtime

import (
	"errors"
	"syscall"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// SocketFilterProgram is a program of type SOCKET_FILTER, which decides how much of each packet a
// socket receives.
type SocketFilterProgram struct{ *Program }

// NewSocketFilterProgram returns p as a SocketFilterProgram.
func NewSocketFilterProgram(p *Program) SocketFilterProgram { return SocketFilterProgram{p} }

// SocketOptions are options for attaching to a socket. There are none yet: pass nil.
type SocketOptions struct{}

// AttachSocket attaches the program to a socket, replacing its previous filter, if any. The
// attachment ends with the socket or DetachSocket.
func (p SocketFilterProgram) AttachSocket(conn syscall.Conn, _ *SocketOptions) error {
	return p.setSocketOption("attach to socket", conn, unix.SO_ATTACH_BPF)
}

// DetachSocket removes the filter of a socket, even if it is not p.
func (p SocketFilterProgram) DetachSocket(conn syscall.Conn) error {
	err := withSocket(conn, func(num int) error {
		return unix.SetsockoptInt(num, unix.SOL_SOCKET, unix.SO_DETACH_BPF, 0)
	})
	if err != nil {
		return p.fail("detach from socket", err)
	}
	return nil
}

// Test runs the program on one packet. The program does not see the Ethernet header.
func (p SocketFilterProgram) Test(t SKBTest) (SKBResult, error) { return testRun[uint32](p.Program, t) }

// SKReuseportProgram is a program of type SK_REUSEPORT, which chooses among the sockets that share
// a port.
type SKReuseportProgram struct{ *Program }

// NewSKReuseportProgram returns p as an SKReuseportProgram.
func NewSKReuseportProgram(p *Program) SKReuseportProgram { return SKReuseportProgram{p} }

// AttachSocket attaches the program to the group of sockets that share conn's port.
func (p SKReuseportProgram) AttachSocket(conn syscall.Conn, _ *SocketOptions) error {
	return p.setSocketOption("attach to socket", conn, unix.SO_ATTACH_REUSEPORT_EBPF)
}

func (p *Program) setSocketOption(what string, conn syscall.Conn, opt int) error {
	num, err := p.acquire(what)
	if err != nil {
		return err
	}
	defer p.fd.release()
	err = withSocket(conn, func(sock int) error { return unix.SetsockoptInt(sock, unix.SOL_SOCKET, opt, num) })
	if err != nil {
		return p.fail(what, err)
	}
	return nil
}

// withSocket calls do with conn's file descriptor.
func withSocket(conn syscall.Conn, do func(num int) error) error {
	if conn == nil {
		return errNoSocket
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(num uintptr) { inner = do(int(num)) }); err != nil {
		return err
	}
	return inner
}

// SKSKBProgram is a program of type SK_SKB, which processes what the sockets in a map receive:
// sections sk_skb, sk_skb/stream_parser, sk_skb/stream_verdict and sk_skb/verdict.
type SKSKBProgram struct{ *Program }

// NewSKSKBProgram returns p as an SKSKBProgram.
func NewSKSKBProgram(p *Program) SKSKBProgram { return SKSKBProgram{p} }

// SockMapOptions are options for attaching to the sockets in a map. There are none yet: pass nil.
type SockMapOptions struct{}

// AttachSockMap attaches the program to the sockets in a sockmap or sockhash.
func (p SKSKBProgram) AttachSockMap(m AnyMap, _ *SockMapOptions) (*Link, error) {
	return attachSockMap(p.Program, m)
}

// SKMsgProgram is a program of type SK_MSG, which processes what the sockets in a map send.
type SKMsgProgram struct{ *Program }

// NewSKMsgProgram returns p as an SKMsgProgram.
func NewSKMsgProgram(p *Program) SKMsgProgram { return SKMsgProgram{p} }

// AttachSockMap attaches the program to the sockets in a sockmap or sockhash.
func (p SKMsgProgram) AttachSockMap(m AnyMap, _ *SockMapOptions) (*Link, error) {
	return attachSockMap(p.Program, m)
}

// attachSockMap attaches p with a link (6.10), or without one on older kernels.
func attachSockMap(p *Program, m AnyMap) (*Link, error) {
	what := "attach to sockmap"
	target, err := acquireMap(m, p, what)
	if err != nil {
		return nil, err
	}
	defer mapIn(m).fd.release()
	what += " " + m.Name()
	if !p.exists() {
		return nil, p.fail(what, errNoProgram)
	}
	l, err := linkCreate(p, what, target, p.spec.AttachType, 0, nil)
	if err == nil || !errors.Is(err, unix.EINVAL) {
		return l, err
	}
	return progAttach(p, what, target)
}

// acquireMap is fd.acquire for a map to attach p to.
func acquireMap(m AnyMap, p *Program, what string) (int, error) {
	of := mapIn(m)
	if of == nil {
		return -1, p.fail(what, errNoMap)
	}
	num, err := of.fd.acquire()
	if err != nil {
		return -1, p.fail(what, of.wrap("attach a program", err))
	}
	return num, nil
}

// progAttach attaches p where there are no links. To detach it, the Link keeps duplicates of both
// files.
func progAttach(p *Program, what string, target int) (*Link, error) {
	if !p.exists() {
		return nil, p.fail(what, errNoProgram)
	}
	prog, err := p.fd.dup()
	if err != nil {
		return nil, p.fail(what, err)
	}
	target, err = sys.Dup(target)
	if err != nil {
		unix.Close(prog)
		return nil, p.fail(what, err)
	}
	attr := sys.ProgAttachAttr{TargetFd: uint32(target), AttachBpfFd: uint32(prog), AttachType: p.spec.AttachType}
	if _, errno := sys.BPF(sys.CmdProgAttach, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); errno != 0 {
		unix.Close(prog)
		unix.Close(target)
		return nil, p.fail(what, withHint(errno, explain.AttachHint(attr.AttachType, errno)))
	}
	undo := func() error {
		defer unix.Close(prog)
		defer unix.Close(target)
		attr := attr
		if _, errno := sys.BPF(sys.CmdProgDetach, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); errno != 0 {
			return errno
		}
		return nil
	}
	return &Link{name: p.Name(), what: what, undo: undo}, nil
}

// LircMode2Program is a program of type LIRC_MODE2, which decodes infrared signals.
type LircMode2Program struct{ *Program }

// NewLircMode2Program returns p as a LircMode2Program.
func NewLircMode2Program(p *Program) LircMode2Program { return LircMode2Program{p} }

// LircOptions are options for attaching to an infrared device. There are none yet: pass nil.
type LircOptions struct{}

// AttachLirc attaches the program to an open /dev/lirc device.
func (p LircMode2Program) AttachLirc(deviceFD int, _ *LircOptions) (*Link, error) {
	return progAttach(p.Program, "attach to lirc device", deviceFD)
}
