//vmtest:all

package runtime

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// threadNetNS returns the network namespace of the test's thread.
const threadNetNS = "/proc/thread-self/ns/net"

func TestAttachSKLookup(t *testing.T) {
	loopback(t)
	count := newCount(t)
	p := NewSKLookupProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSKLookup, AttachType: sys.AttachSKLookup}, insns: counting(count, 1), // SK_PASS
	}))
	l, err := p.AttachNetNS(threadNetNS, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// Send to a port that has a listener but no connected socket.
	if !ping(t) || counted(t, count) == 0 {
		t.Errorf("the program ran %d times", counted(t, count))
	}
	if info, err := l.Info(); err != nil || info.Type != LinkNetNS || info.NetNSInode == 0 || info.AttachType != sys.AttachSKLookup {
		t.Errorf("info: %+v, %v", info, err)
	}
	if _, err := p.AttachNetNS("/nonexistent", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such namespace: %v", err)
	}
}

func TestSKLookupTestRun(t *testing.T) {
	p := NewSKLookupProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSKLookup, AttachType: sys.AttachSKLookup},
		insns: asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 60, asm.Word), // local_port
			asm.Mov.Imm(asm.R0, 0),
			asm.JNE.Imm(asm.R2, 443, "out"),
			asm.Mov.Imm(asm.R0, 1),
			asm.Return().WithSymbol("out"),
		},
	}))
	ctx := &SKLookupContext{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, LocalPort: 443}
	for _, want := range []uint32{1, 0} {
		res, err := p.Test(TestRun[SKLookupContext]{Context: ctx})
		if err != nil || res.Return != want {
			t.Errorf("port %d: %+v, %v", ctx.LocalPort, res, err)
		}
		ctx.LocalPort++
	}
}

func TestFlowDissector(t *testing.T) {
	loopback(t)
	p := NewFlowDissectorProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeFlowDissector, AttachType: sys.AttachFlowDissector},
		insns: asm.Instructions{ // flow_keys->ip_proto = 17
			asm.LoadMem(asm.R2, asm.R1, 144, asm.DWord),
			asm.Mov.Imm(asm.R3, unix.IPPROTO_UDP),
			asm.StoreMem(asm.R2, 9, asm.R3, asm.Byte),
			asm.Mov.Imm(asm.R0, 0), // BPF_OK
			asm.Return(),
		},
	}))
	packet := make([]byte, 64)
	packet[12], packet[13], packet[14] = 8, 0, 0x45 // IPv4
	res, err := p.Test(TestRun[FlowKeys]{Data: packet})
	if err != nil || res.Return != 0 || res.Context.IPProto != unix.IPPROTO_UDP || res.Context.NHOff != 14 {
		t.Errorf("test run: %+v, %v", res, err)
	}
	if binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, res.Context.NProto)) != unix.ETH_P_IP {
		t.Errorf("protocol %#x", res.Context.NProto)
	}
	l, err := p.AttachNetNS(threadNetNS, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := l.Info(); err != nil || info.AttachType != sys.AttachFlowDissector {
		t.Errorf("info: %+v, %v", info, err)
	}
}

func TestAttachNetfilter(t *testing.T) {
	loopback(t)
	p, log, err := loadTestProgram(testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeNetfilter, AttachType: sys.AttachNetfilter}, insns: returning(0), // NF_DROP
	})
	sinceOrSkip(t, err, 6, 4, "BPF_PROG_TYPE_NETFILTER")
	if errors.Is(err, unix.EINVAL) && log == "" {
		t.Skipf("not on this kernel: no CONFIG_NETFILTER_BPF_LINK: %v", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	t.Cleanup(p.fd.close)
	opts := &NetfilterOptions{Priority: -5}
	l, err := NewNetfilterProgram(p).AttachNetfilter(unix.NFPROTO_IPV4, unix.NF_INET_LOCAL_OUT, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if ping(t) {
		t.Error("a packet arrived")
	}
	info, err := l.Info()
	if err != nil || info.Type != LinkNetfilter || info.ProtocolFamily != unix.NFPROTO_IPV4 || info.Hook != unix.NF_INET_LOCAL_OUT || info.Priority != -5 {
		t.Errorf("info: %+v, %v", info, err)
	}
	l.Close()
	if !ping(t) {
		t.Error("a packet was lost after Close")
	}
	if _, err := NewNetfilterProgram(p).AttachNetfilter(unix.NFPROTO_IPV4, 99, opts); err == nil {
		t.Error("attached to hook 99, which does not exist")
	}
}

func TestSocketFilter(t *testing.T) {
	loopback(t)
	drop := NewSocketFilterProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeSocketFilter}, insns: returning(0)}))
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	arrives := func() bool {
		t.Helper()
		if _, err := c.WriteTo([]byte("hello"), c.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := withSocket(c, func(num int) error {
			n, _, _ = unix.Recvfrom(num, make([]byte, 16), unix.MSG_DONTWAIT)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n == 5
	}
	if err := drop.AttachSocket(c, nil); err != nil {
		t.Fatal(err)
	}
	if arrives() {
		t.Error("a packet passed the filter")
	}
	if err := drop.DetachSocket(c); err != nil {
		t.Fatal(err)
	}
	if !arrives() {
		t.Error("a packet was lost without a filter")
	}
	if err := drop.DetachSocket(c); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no filter to detach: %v", err)
	}
	if res, err := drop.Test(SKBTest{Data: make([]byte, 64)}); err != nil || res.Return != 0 {
		t.Errorf("test run: %+v, %v", res, err)
	}

	reuse := NewSKReuseportProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSKReuseport, AttachType: sys.AttachSKReuseportSelect}, insns: returning(1),
	}))
	if err := reuse.AttachSocket(c, nil); err == nil {
		t.Error("attached to a socket without SO_REUSEPORT")
	}
	c.Close()
	if err := drop.AttachSocket(c, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed socket: %v", err)
	}
}

func TestSKMsg(t *testing.T) {
	p := NewSKMsgProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSKMsg, AttachType: sys.AttachSKMsgVerdict}, insns: returning(1),
	}))
	h := newTestHash[uint32, uint64](t, 4)
	if _, err := p.AttachSockMap(h, nil); err == nil {
		t.Error("attached to a hash map")
	}
}
