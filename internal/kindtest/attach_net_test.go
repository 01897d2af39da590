//vmtest:all,5.10

package kindtest

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	bpf "github.com/bpf2lskel/bpf2lskel/internal/kindtest/net"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/netfilter"
	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

func TestAttachXDP(t *testing.T) {
	lo := ownNetwork(t)
	s := loaded(t, bpf.Open)
	l, err := s.Progs.Count.AttachXDP(lo, nil)
	ended(t, l, err)
	c := udp(t)
	if got, err := toSelf(t, c, "hello"); err != nil || got != "hello" {
		t.Errorf("received %q, %v", got, err)
	}
	// Ethernet, IP and UDP headers precede the text.
	if s.Bss.Packets != 1 || s.Bss.Bytes != 14+20+8+5 {
		t.Errorf("%d packets, %d bytes", s.Bss.Packets, s.Bss.Bytes)
	}
	if info, err := l.Info(); err != nil || info.Type != runtime.LinkXDP || info.Ifindex != uint32(lo) {
		t.Errorf("info %+v, %v", info, err)
	}
	if _, err := s.Progs.Turn.AttachXDP(lo, nil); !errors.Is(err, unix.EBUSY) {
		t.Errorf("a second program: %v", err)
	}
	if err := l.Update(s.Progs.Turn); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo([]byte("hello"), c.LocalAddr()); err != nil { // does not arrive
		t.Fatal(err)
	}
	if s.Bss.Packets != 1 {
		t.Errorf("%d packets after the program was replaced", s.Bss.Packets)
	}
}

func TestAttachTCX(t *testing.T) {
	lo := ownNetwork(t)
	c := udp(t)
	s := loaded(t, bpf.Open)
	for _, dir := range []runtime.Direction{runtime.Ingress, runtime.Egress} {
		for name, tt := range map[string]struct {
			anchor func(first *runtime.Link, p runtime.SchedCLSProgram) runtime.Anchor
			before bool // whether the second program runs first
		}{
			"none":           {func(*runtime.Link, runtime.SchedCLSProgram) runtime.Anchor { return runtime.Anchor{} }, false},
			"at head":        {func(*runtime.Link, runtime.SchedCLSProgram) runtime.Anchor { return runtime.AtHead() }, true},
			"before link":    {func(l *runtime.Link, _ runtime.SchedCLSProgram) runtime.Anchor { return runtime.BeforeLink(l) }, true},
			"after link":     {func(l *runtime.Link, _ runtime.SchedCLSProgram) runtime.Anchor { return runtime.AfterLink(l) }, false},
			"before program": {func(_ *runtime.Link, p runtime.SchedCLSProgram) runtime.Anchor { return runtime.BeforeProgram(p) }, true},
		} {
			s.Bss.Order, s.Bss.FirstAt, s.Bss.SecondAt = 0, 0, 0
			first, err := s.Progs.First.AttachTCX(lo, dir, nil)
			since(t, err, "6.6", "TCX")
			if err != nil {
				t.Fatal(err)
			}
			second, err := s.Progs.Second.AttachTCX(lo, dir, &runtime.TCXOptions{Anchor: tt.anchor(first, s.Progs.First)})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := toSelf(t, c, "hello"); err != nil {
				t.Error(err)
			}
			if before := s.Bss.SecondAt < s.Bss.FirstAt; s.Bss.Order != 2 || before != tt.before {
				t.Errorf("%s: %d programs ran, the first at %d, the second at %d", name, s.Bss.Order, s.Bss.FirstAt, s.Bss.SecondAt)
			}
			if err := errors.Join(first.Close(), second.Close()); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestAttachNetkit(t *testing.T) {
	ownNetwork(t)
	s := loaded(t, bpf.Open)
	if err := netlab.Netkit("kit0", "kit1"); errors.Is(err, unix.EOPNOTSUPP) {
		guest.NotHere(t, "%v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	primary, err := netlab.Up("kit0", "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := netlab.Up("kit1", "10.0.1.1"); err != nil {
		t.Fatal(err)
	}
	first, err := s.Progs.First.AttachNetkit(primary, runtime.NetkitPrimary, nil)
	ended(t, first, err)
	second, err := s.Progs.Second.AttachNetkit(primary, runtime.NetkitPeer, nil)
	ended(t, second, err)
	send := func(to string) {
		t.Helper()
		c, err := net.Dial("udp4", to)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	if send("10.0.0.9:9"); s.Bss.FirstAt != 1 || s.Bss.SecondAt != 0 {
		t.Errorf("sent by the primary: first at %d, second at %d", s.Bss.FirstAt, s.Bss.SecondAt)
	}
	if send("10.0.1.9:9"); s.Bss.FirstAt != 1 || s.Bss.SecondAt != 2 {
		t.Errorf("sent by the peer: first at %d, second at %d", s.Bss.FirstAt, s.Bss.SecondAt)
	}
}

func TestAttachNetfilter(t *testing.T) {
	ownNetwork(t)
	s := opened(t, netfilter.Open)
	err := s.Load()
	since(t, err, "6.4", "netfilter programs")
	if !guest.In() && errors.Is(err, unix.EINVAL) {
		guest.NotHere(t, "netfilter programs: %v", err)
	}
	if err != nil {
		t.Fatalf("%+v", err)
	}
	l, err := s.Progs.DropAll.AttachNetfilter(unix.NFPROTO_IPV4, unix.NF_INET_LOCAL_OUT, &runtime.NetfilterOptions{Priority: -5})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := udp(t)
	if _, err := toSelf(t, c, "hello"); !errors.Is(err, unix.EPERM) || s.Bss.Packets != 1 {
		t.Errorf("dropped packet: %v, %d seen", err, s.Bss.Packets)
	}
	if info, err := l.Info(); err != nil || info.Type != runtime.LinkNetfilter || info.Hook != unix.NF_INET_LOCAL_OUT || info.Priority != -5 {
		t.Errorf("info %+v, %v", info, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := toSelf(t, c, "hello"); err != nil || got != "hello" || s.Bss.Packets != 1 {
		t.Errorf("after Close: %q, %v, %d seen", got, err, s.Bss.Packets)
	}
}
