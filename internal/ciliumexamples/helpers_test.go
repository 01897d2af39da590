package ciliumexamples

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// loaded loads an object and closes it when the test ends.
func loaded[S interface{ Close() error }](t *testing.T, load func() (S, error)) S {
	t.Helper()
	needRoot(t)
	s, err := load()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
}

// needProbes skips the test on a kernel without a kind of probe.
func needProbes(t *testing.T, kind string) {
	t.Helper()
	if _, err := os.Stat("/sys/bus/event_source/devices/" + kind); errors.Is(err, os.ErrNotExist) {
		guest.NotHere(t, "no %ss: %v", kind, err)
	}
}

// attached checks an attachment and closes it when the test ends.
func attached(t *testing.T, l *runtime.Link, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// notTraced skips the test if the kernel cannot attach programs to functions, even for root.
func notTraced(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case !guest.JIT():
		guest.NotHere(t, "no JIT compiler: %v", err)
	case !guest.In() && errors.Is(err, unix.EPERM):
		guest.NotHere(t, "no programs at functions: %v", err)
	default:
		t.Fatalf("%+v", err)
	}
}

// hosts creates two connected hosts for the test.
func hosts(t *testing.T) (a, b *netlab.Host) {
	t.Helper()
	needRoot(t)
	a, b, err := netlab.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	t.Cleanup(b.Close)
	return a, b
}

// do runs f on a host. iface is the host's interface.
func do(t *testing.T, h *netlab.Host, f func(iface *net.Interface) error) {
	t.Helper()
	if err := h.Do(func() error {
		iface, err := net.InterfaceByName(h.Interface)
		if err != nil {
			return err
		}
		return f(iface)
	}); err != nil {
		t.Fatal(err)
	}
}

// listens makes a host listen for datagrams.
func listens(t *testing.T, h *netlab.Host, port int) (c *net.UDPConn) {
	t.Helper()
	do(t, h, func(*net.Interface) (err error) {
		c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(h.IP), Port: port})
		return err
	})
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// receives reads n datagrams and returns the last one.
func receives(t *testing.T, c *net.UDPConn, n int) string {
	t.Helper()
	buf := make([]byte, 1500)
	for i := range n {
		size, err := c.Read(buf)
		if err != nil {
			t.Fatalf("%d datagrams of %d: %v", i, n, err)
		}
		buf = append(buf[:0], buf[:size]...)
		buf, size = buf[:cap(buf)], len(buf)
		if i == n-1 {
			return string(buf[:size])
		}
	}
	return ""
}

// connects connects host a to host b by TCP and exchanges a text n times. The connection stays open
// until the test closes it.
func connects(t *testing.T, a, b *netlab.Host) (from, to *net.TCPConn) {
	t.Helper()
	var l net.Listener
	do(t, b, func(*net.Interface) (err error) {
		l, err = net.Listen("tcp4", b.IP+":0")
		return err
	})
	defer l.Close()
	var c net.Conn
	do(t, a, func(*net.Interface) (err error) {
		c, err = net.DialTimeout("tcp4", l.Addr().String(), 20*time.Second)
		return err
	})
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	from, to = c.(*net.TCPConn), d.(*net.TCPConn)
	t.Cleanup(func() { from.Close(); to.Close() })
	buf := make([]byte, 5)
	for range 3 {
		for _, conn := range []*net.TCPConn{to, from} {
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			other := from
			if conn == from {
				other = to
			}
			if _, err := other.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Read(buf); err != nil {
				t.Fatal(err)
			}
		}
	}
	return from, to
}

// next reads events until it finds one that is wanted.
func next[T any](t *testing.T, r *runtime.RingBufReader[T], wanted func(T) bool) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for others := 0; ; others++ {
		e, err := r.Read(ctx)
		if err != nil {
			t.Fatalf("not among %d events: %v", others, err)
		}
		if wanted(e) {
			return e
		}
	}
}

// reader opens a ring buffer for the test.
func reader[T any](t *testing.T, b *runtime.RingBuf[T]) *runtime.RingBufReader[T] {
	t.Helper()
	r, err := b.Reader()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// starts runs this binary n times and returns the last process.
func starts(t *testing.T, n int) (pid int) {
	t.Helper()
	for range n {
		cmd := exec.Command("/proc/self/exe", "-test.run=^$")
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		pid = cmd.Process.Pid
	}
	return pid
}

// comm returns the name of the calling process, truncated like the kernel's.
func comm(t *testing.T) string {
	t.Helper()
	name, err := os.ReadFile("/proc/thread-self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return string(name[:len(name)-1])
}

// text converts a C string.
func text(b []byte) string { return unix.ByteSliceToString(b) }

// networkOrder converts an address whose bytes are in network order in memory.
func networkOrder(n uint32) string {
	return netip.AddrFrom4([4]byte(binary.NativeEndian.AppendUint32(nil, n))).String()
}

// machineOrder converts an address whose number is in native byte order.
func machineOrder(n uint32) string {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n))).String()
}

// port returns the port of an address.
func port(addr net.Addr) uint16 { return netip.MustParseAddrPort(addr.String()).Port() }

// soon waits until something has happened in the kernel.
func soon(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timeout: %s", what)
		}
	}
}
