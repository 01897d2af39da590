//vmtest:all

package ciliumexamples

import (
	"math/bits"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/fentry"
	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/tcprtt"
)

// The example reports which process connects to which address.
func TestFentry(t *testing.T) {
	a, b := hosts(t)
	s, err := fentry.Load()
	notTraced(t, err)
	t.Cleanup(func() { s.Close() })
	l, err := s.Progs.TcpConnect.Attach(nil)
	notTraced(t, err)
	attached(t, l, err)
	events := reader(t, s.Maps.Events)
	from, to := connects(t, a, b)

	e := next(t, events, func(fentry.Event) bool { return true })
	if sport, dport := wirePort(e.Sport), wirePort(e.Dport); sport != port(from.LocalAddr()) || dport != port(to.LocalAddr()) ||
		networkOrder(e.Saddr) != a.IP || networkOrder(e.Daddr) != b.IP {
		t.Errorf("%s:%d to %s:%d, want %v to %v", networkOrder(e.Saddr), sport, networkOrder(e.Daddr), dport, from.LocalAddr(), to.LocalAddr())
	}
	if got := text(e.Comm[:]); got != comm(t) {
		t.Errorf("by %q, want %q", got, comm(t))
	}
}

// The example reports the round-trip time when a connection is closed.
func TestTCPRTT(t *testing.T) {
	a, b := hosts(t)
	s, err := tcprtt.Load()
	notTraced(t, err)
	t.Cleanup(func() { s.Close() })
	from, to := connects(t, a, b)
	l, err := s.Progs.TcpClose.Attach(nil)
	notTraced(t, err)
	attached(t, l, err)
	events := reader(t, s.Maps.Events)

	raw, err := from.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	sport, dport := port(from.LocalAddr()), port(to.LocalAddr())
	if ctl := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); ctl != nil || err != nil {
		t.Fatal(ctl, err)
	}
	if err := from.Close(); err != nil {
		t.Fatal(err)
	}
	e := next(t, events, func(e tcprtt.Event) bool { return e.Sport == sport })
	if e.Dport != dport || networkOrder(e.Saddr) != a.IP || networkOrder(e.Daddr) != b.IP {
		t.Errorf("%s:%d to %s:%d, want :%d to :%d", networkOrder(e.Saddr), e.Sport, networkOrder(e.Daddr), e.Dport, sport, dport)
	}
	if e.Srtt != info.Rtt/1000 {
		t.Errorf("round trips of %d ms, TCP_INFO says %d µs", e.Srtt, info.Rtt)
	}
}

// wirePort converts a port whose bytes are in network order in memory.
func wirePort(n uint16) uint16 {
	if machineOrder(1) == networkOrder(1) {
		return n
	}
	return bits.ReverseBytes16(n)
}
