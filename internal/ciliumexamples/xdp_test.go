//vmtest:all

package ciliumexamples

import (
	"encoding/binary"
	"maps"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/xdp"
	live "github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/xdp_live_frame"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// The example counts packets by source address.
func TestXDP(t *testing.T) {
	a, b := hosts(t)
	s := loaded(t, xdp.Load)
	do(t, b, func(iface *net.Interface) error {
		l, err := s.Progs.XdpProgFunc.AttachXDP(iface.Index, nil)
		attached(t, l, err)
		return nil
	})
	c := listens(t, b, 9999)
	if err := a.SendUDP(b, "9999", 5, 100); err != nil {
		t.Fatal(err)
	}
	receives(t, c, 5)

	got := map[string]uint32{}
	it := s.Maps.XdpStatsMap.Iterate()
	for ip, n := range it.All() {
		got[networkOrder(ip)] = n
	}
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	if want := map[string]uint32{a.IP: 5}; !maps.Equal(got, want) {
		t.Errorf("packets: %s", cmp.Diff(want, got))
	}
}

// The kernel sends frames for which a program returns XDP_TX.
func TestXDPLiveFrame(t *testing.T) {
	a, b := hosts(t)
	s := loaded(t, live.Load)
	var to net.HardwareAddr
	do(t, b, func(iface *net.Interface) error {
		to = iface.HardwareAddr
		// A veth accepts XDP frames only if its peer runs a program, too.
		l, err := s.Progs.XdpProgPass.AttachXDP(iface.Index, nil)
		attached(t, l, err)
		return nil
	})
	c := listens(t, b, 9999)
	do(t, a, func(iface *net.Interface) error {
		l, err := s.Progs.XdpProgPass.AttachXDP(iface.Index, nil)
		attached(t, l, err)
		frame := datagram(to, iface.HardwareAddr, a.IP, b.IP, 9999, "Hello, XDP!")
		_, err = s.Progs.XdpProgTx.Test(runtime.XDPTest{
			Data: frame, Repeat: 20, BatchSize: 4, Flags: runtime.TestXDPLiveFrames,
			Context: &runtime.XDPContext{DataEnd: uint32(len(frame)), IngressIfindex: uint32(iface.Index)},
		})
		return err
	})
	if text := receives(t, c, 20); text != "Hello, XDP!" {
		t.Errorf("received %q", text)
	}
}

// datagram returns an Ethernet frame that contains a UDP datagram.
func datagram(to, from net.HardwareAddr, fromIP, toIP string, port uint16, text string) []byte {
	order := binary.BigEndian
	udp := order.AppendUint16(nil, 12345)
	udp = order.AppendUint16(udp, port)
	udp = order.AppendUint16(udp, uint16(8+len(text)))
	udp = order.AppendUint16(udp, 0) // no checksum
	udp = append(udp, text...)

	ip := []byte{0x45, 0}
	ip = order.AppendUint16(ip, uint16(20+len(udp)))
	ip = append(ip, 0, 0, 0x40, 0, 64, 17, 0, 0) // not to be fragmented, 64 hops, UDP
	for _, addr := range []string{fromIP, toIP} {
		ip = append(ip, netip.MustParseAddr(addr).AsSlice()...)
	}
	sum := uint32(0)
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(order.Uint16(ip[i:]))
	}
	order.PutUint16(ip[10:], ^uint16(sum>>16+sum))

	frame := append(append([]byte{}, to...), from...)
	frame = append(frame, 8, 0) // IPv4
	return append(append(frame, ip...), udp...)
}
