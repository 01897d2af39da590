package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

const (
	request = unix.NLM_F_ACK
	create  = unix.NLM_F_ACK | unix.NLM_F_CREATE | unix.NLM_F_EXCL
)

// ifinfomsg returns the struct ifinfomsg of a device; index is 0 for a new one.
func ifinfomsg(index int, flags, change uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], change)
	return b
}

// addDevice creates a device. data appends the attributes of its kind.
func addDevice(name, kind string, data func(*message)) error {
	m := newMessage(unix.RTM_NEWLINK, create, ifinfomsg(0, 0, 0)...)
	m.text(unix.IFLA_IFNAME, name)
	m.nest(unix.IFLA_LINKINFO, nil, func(m *message) {
		m.text(unix.IFLA_INFO_KIND, kind)
		m.nest(unix.IFLA_INFO_DATA, nil, data)
	})
	if err := exchange(unix.NETLINK_ROUTE, m); err != nil {
		return fmt.Errorf("create %s %s: %w", kind, name, err)
	}
	return nil
}

// vethInfoPeer is VETH_INFO_PEER of linux/veth.h.
const vethInfoPeer = 1

// addVeth creates a veth pair whose peer is in another network namespace.
func addVeth(name, peer string, peerNS *os.File) error {
	return addDevice(name, "veth", func(m *message) {
		m.nest(vethInfoPeer, ifinfomsg(0, 0, 0), func(m *message) {
			m.text(unix.IFLA_IFNAME, peer)
			m.u32(unix.IFLA_NET_NS_FD, uint32(peerNS.Fd()))
		})
	})
}

// Netkit creates a pair of netkit devices of layer 3 in the current network namespace. They let
// packets pass. The error is EOPNOTSUPP on a kernel without netkit, which is new in Linux 6.7.
func Netkit(primary, peer string) error {
	return addDevice(primary, "netkit", func(m *message) {
		m.u32(unix.IFLA_NETKIT_MODE, unix.NETKIT_L3)
		m.u32(unix.IFLA_NETKIT_POLICY, unix.NETKIT_PASS)
		m.u32(unix.IFLA_NETKIT_PEER_POLICY, unix.NETKIT_PASS)
		m.nest(unix.IFLA_NETKIT_PEER_INFO, ifinfomsg(0, 0, 0), func(m *message) {
			m.text(unix.IFLA_IFNAME, peer)
		})
	})
}

// Up gives a device of the current network namespace an IPv4 address in a /24 network, brings it
// up, and returns its index. It turns IPv6 off, or the device would send packets by itself.
func Up(device, ip string) (index int, err error) {
	file := "/proc/sys/net/ipv6/conf/" + device + "/disable_ipv6"
	if err := os.WriteFile(file, []byte("1"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	dev, err := net.InterfaceByName(device)
	if err != nil {
		return 0, err
	}
	address := net.ParseIP(ip).To4()
	header := make([]byte, unix.SizeofIfAddrmsg) // struct ifaddrmsg
	header[0], header[1] = unix.AF_INET, 24
	binary.NativeEndian.PutUint32(header[4:], uint32(dev.Index))
	m := newMessage(unix.RTM_NEWADDR, create, header...)
	m.attr(unix.IFA_LOCAL, address)
	m.attr(unix.IFA_ADDRESS, address)
	if err := exchange(unix.NETLINK_ROUTE, m); err != nil {
		return 0, fmt.Errorf("give %s to %s: %w", ip, device, err)
	}
	m = newMessage(unix.RTM_NEWLINK, request, ifinfomsg(dev.Index, unix.IFF_UP, unix.IFF_UP)...)
	if err := exchange(unix.NETLINK_ROUTE, m); err != nil {
		return 0, fmt.Errorf("start %s: %w", device, err)
	}
	return dev.Index, nil
}
