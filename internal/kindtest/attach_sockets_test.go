//vmtest:all,5.10

package kindtest

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/sockets"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// TestMapSockMap covers a parser and a verdict, TestMapSockHash sk_msg.
func TestAttachSKSKB(t *testing.T) {
	before(t, "5.13", "sk_skb/verdict")
	s := loaded(t, sockets.Open)
	l, err := s.Progs.See.AttachSockMap(s.Maps.Socks, nil)
	ended(t, l, err)
	if _, err := s.Progs.Echo.AttachSockMap(s.Maps.Socks, nil); !errors.Is(err, unix.EBUSY) {
		t.Errorf("two verdicts: %v", err)
	}
	a, b := tcp(t)
	if err := s.Maps.Socks.Update(2, b, runtime.Any); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	receives(t, b, "hello")
	if seen := atomic.LoadUint64(&s.Bss.Seen); seen != 5 {
		t.Errorf("%d bytes seen", seen)
	}
}

func TestAttachSKMsg(t *testing.T) {
	s := loaded(t, sockets.Open)
	l, err := s.Progs.Deliver.AttachSockMap(s.Maps.Socks, nil)
	ended(t, l, err)
	from, _ := tcp(t)
	to, _ := tcp(t)
	if err := errors.Join(s.Maps.Socks.Update(3, from, runtime.Any), s.Maps.Named.Update(2, to, runtime.Any)); err != nil {
		t.Fatal(err)
	}
	if _, err := from.Write([]byte("hi")); err != nil {
		t.Fatal(err)
	}
	receives(t, to, "hi")
	if sent := atomic.LoadUint64(&s.Bss.Sent); sent != 2 {
		t.Errorf("%d bytes sent", sent)
	}
}

// The program finds a socket for a port that nobody listens on.
func TestAttachSKLookup(t *testing.T) {
	ownNetwork(t)
	var config net.ListenConfig
	config.SetMultipathTCP(false) // the kernel does not accept such sockets in maps
	listener, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := opened(t, sockets.Open)
	s.Rodata.SteeredPort = 7
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	l, err := s.Progs.Steer.AttachNetNS(threadNetNS, nil)
	ended(t, l, err)
	if err := s.Maps.Socks.Update(1, listener.(*net.TCPListener), runtime.Any); err != nil {
		t.Fatal(err)
	}
	a, err := net.Dial("tcp4", "127.0.0.1:7")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := a.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	receives(t, b, "hello")
	if info, err := l.Info(); err != nil || info.Type != runtime.LinkNetNS || info.AttachType != sys.AttachSKLookup {
		t.Errorf("info %+v, %v", info, err)
	}
}

func TestAttachFlowDissector(t *testing.T) {
	ownNetwork(t)
	s := loaded(t, sockets.Open)
	l, err := s.Progs.Dissect.AttachNetNS(threadNetNS, nil)
	ended(t, l, err)
	var here unix.Stat_t
	if err := unix.Stat(threadNetNS, &here); err != nil {
		t.Fatal(err)
	}
	info, err := l.Info()
	if err != nil || info.AttachType != sys.AttachFlowDissector || uint64(info.NetNSInode) != here.Ino {
		t.Errorf("info %+v, %v, want inode %d", info, err, here.Ino)
	}
	if _, err := s.Progs.Dissect.AttachNetNS(threadNetNS, nil); !errors.Is(err, unix.E2BIG) {
		t.Errorf("a second one: %v", err)
	}
}

func TestAttachSocketFilter(t *testing.T) {
	s := loaded(t, sockets.Open)
	c := udp(t)
	if err := s.Progs.Shorten.AttachSocket(c, nil); err != nil {
		t.Fatal(err)
	}
	for keep, want := range map[uint32]string{3: "hel", 1: "h"} {
		s.Data.Keep = keep
		if got, err := toSelf(t, c, "hello"); err != nil || got != want {
			t.Errorf("received %q, %v, want %q", got, err, want)
		}
	}
	if err := s.Progs.Shorten.DetachSocket(c); err != nil {
		t.Fatal(err)
	}
	if got, err := toSelf(t, c, "hello"); err != nil || got != "hello" {
		t.Errorf("without a filter: %q, %v", got, err)
	}
}
