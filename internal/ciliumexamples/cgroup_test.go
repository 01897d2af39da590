//vmtest:all

package ciliumexamples

import (
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/cgroup_skb"
	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/tcprtt_sockops"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

// The example counts the packets that leave this process's cgroup.
func TestCgroupSKB(t *testing.T) {
	a, b := hosts(t)
	c := listens(t, b, 9999)
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroup_skb.Load)
	l, err := s.Progs.CountEgressPackets.AttachCgroup(group, nil)
	attached(t, l, err)
	if err := a.SendUDP(b, "9999", 6, 100); err != nil {
		t.Fatal(err)
	}
	receives(t, c, 6)
	if n, err := s.Maps.PktCount.Lookup(0); err != nil || n != 6 {
		t.Errorf("%d packets, %v", n, err)
	}
}

// The example reports round-trip times of the cgroup's connections.
func TestTCPRTTSockops(t *testing.T) {
	a, b := hosts(t)
	group := testfs.OwnCgroup(t)
	s := loaded(t, tcprtt_sockops.Load)
	events := reader(t, s.Maps.RttEvents)
	l, err := s.Progs.BpfSockopsCb.AttachCgroup(group, nil)
	attached(t, l, err)
	from, to := connects(t, a, b)

	sport, dport := port(from.LocalAddr()), port(to.LocalAddr())
	e := next(t, events, func(tcprtt_sockops.RttEvent) bool { return true })
	if e.Sport != sport || e.Dport != dport || machineOrder(e.Saddr) != a.IP || machineOrder(e.Daddr) != b.IP {
		t.Errorf("%s:%d to %s:%d, want %v to %v", machineOrder(e.Saddr), e.Sport, machineOrder(e.Daddr), e.Dport, from.LocalAddr(), to.LocalAddr())
	}
	types := map[uint8]int{}
	for k, info := range s.Maps.MapEstabSk.Iterate().All() {
		if info.SkKey != k {
			t.Errorf("info of %v at %v", info.SkKey, k)
		}
		types[info.SkType]++
	}
	if len(types) != 2 || types[0] != 1 || types[1] != 1 {
		t.Errorf("established connections by type: %v, want one active and one passive", types)
	}

	if err := from.Close(); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	soon(t, "connections that are no longer established leave the map", func() bool {
		for range s.Maps.MapEstabSk.Iterate().All() {
			return false
		}
		return true
	})
}
