//vmtest:all,5.10

package kindtest

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/sockets"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Data received on one connection is sent on the other.
func TestMapSockMap(t *testing.T) {
	s := loaded(t, sockets.Open)
	for _, p := range []runtime.SKSKBProgram{s.Progs.Parse, s.Progs.Echo} {
		l, err := p.AttachSockMap(s.Maps.Socks, nil)
		ended(t, l, err)
	}
	in, from := tcp(t)
	to, out := tcp(t)
	if err := errors.Join(s.Maps.Socks.Update(0, to, runtime.Any), s.Maps.Socks.Update(1, from, runtime.Any)); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	receives(t, out, "hello")
	if parsed, echoed := atomic.LoadUint64(&s.Bss.Parsed), atomic.LoadUint64(&s.Bss.Echoed); parsed == 0 || echoed != 5 {
		t.Errorf("%d bytes parsed, %d echoed", parsed, echoed)
	}
	if cookie, err := s.Maps.Socks.LookupCookie(1); err != nil || cookie != cookieOf(t, from) {
		t.Errorf("cookie %d, %v, want %d", cookie, err, cookieOf(t, from))
	}
	if err := s.Maps.Socks.Delete(1); err != nil {
		t.Error(err)
	}
	if _, err := s.Maps.Socks.LookupCookie(1); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("what was deleted: %v", err)
	}
}

func cookieOf(t *testing.T, c *net.TCPConn) (cookie uint64) {
	t.Helper()
	socketFD(t, c, func(fd int) {
		var err error
		if cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE); err != nil {
			t.Fatal(err)
		}
	})
	return cookie
}

// Data sent by one socket is received by another.
func TestMapSockHash(t *testing.T) {
	s := loaded(t, sockets.Open)
	l, err := s.Progs.Deliver.AttachSockMap(s.Maps.Named, nil)
	ended(t, l, err)
	from, _ := tcp(t)
	to, _ := tcp(t)
	if err := errors.Join(s.Maps.Named.Update(1, from, runtime.NoExist), s.Maps.Named.Update(2, to, runtime.NoExist)); err != nil {
		t.Fatal(err)
	}
	if _, err := from.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	receives(t, to, "hello")
	if sent := atomic.LoadUint64(&s.Bss.Sent); sent != 5 {
		t.Errorf("%d bytes sent", sent)
	}
	if cookie, err := s.Maps.Named.LookupCookie(2); err != nil || cookie != cookieOf(t, to) {
		t.Errorf("cookie %d, %v, want %d", cookie, err, cookieOf(t, to))
	}
	other, _ := tcp(t)
	if err := s.Maps.Named.Update(2, other, runtime.NoExist); !errors.Is(err, runtime.ErrKeyExist) {
		t.Errorf("update of an existing key: %v", err)
	}
	if err := s.Maps.Named.Delete(3); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("delete of a missing key: %v", err)
	}
}

// Of two sockets with the same port, the program selects the second.
func TestMapReuseportSockArray(t *testing.T) {
	s := loaded(t, sockets.Open)
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if e := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}); e != nil {
			return e
		}
		return err
	}}
	address := "127.0.0.1:0"
	var shared [2]*net.UDPConn
	for i := range shared {
		c, err := config.ListenPacket(context.Background(), "udp4", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		shared[i], address = c.(*net.UDPConn), c.LocalAddr().String()
		if err := s.Maps.Group.Update(uint32(i), shared[i], runtime.Any); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Progs.Choose.AttachSocket(shared[0], nil); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := udp(t).WriteTo([]byte("hello"), shared[0].LocalAddr()); err != nil {
			t.Fatal(err)
		}
		receives(t, shared[1], "hello")
	}
	if cookie, err := s.Maps.Group.LookupCookie(1); err != nil || cookie == 0 {
		t.Errorf("cookie %d, %v", cookie, err)
	}
}
