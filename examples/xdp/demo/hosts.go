package main

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

const (
	receiverIP = "10.9.8.1"
	senderIP   = "10.9.8.2"
)

// hosts are two network namespaces, joined by veth0 of the receiver and veth1
// of the sender.
type hosts struct {
	original, receiver, sender netns.NsHandle
}

// newHosts makes them. It leaves the calling thread in one of them.
func newHosts() (h *hosts, err error) {
	h = &hosts{netns.None(), netns.None(), netns.None()}
	defer func() {
		if err != nil {
			h.close()
			err = fmt.Errorf("set the network up: %w", err)
		}
	}()
	if h.original, err = netns.Get(); err != nil {
		return nil, err
	}
	if h.sender, err = netns.New(); err != nil {
		return nil, err
	}
	if h.receiver, err = netns.New(); err != nil {
		return nil, err
	}
	veth := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: "veth1"}
	veth.Name = "veth0"
	if err := netlink.LinkAdd(veth); err != nil {
		return nil, err
	}
	peer, err := netlink.LinkByName("veth1")
	if err != nil {
		return nil, err
	}
	if err := netlink.LinkSetNsFd(peer, int(h.sender)); err != nil {
		return nil, err
	}
	if err := up("veth0", receiverIP); err != nil {
		return nil, err
	}
	if err := h.enter(h.sender); err != nil {
		return nil, err
	}
	return h, up("veth1", senderIP)
}

// up gives an interface of the current namespace an address and starts it. IPv6 is
// off, so that nothing is sent but what the demo sends.
func up(name, ip string) error {
	file := "/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6"
	if err := os.WriteFile(file, []byte("1"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(ip), Mask: net.CIDRMask(24, 32)}}
	if err := netlink.AddrAdd(link, addr); err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// enter moves the calling thread.
func (h *hosts) enter(ns netns.NsHandle) error {
	if err := netns.Set(ns); err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	return nil
}

func (h *hosts) close() {
	if h.original.IsOpen() {
		_ = netns.Set(h.original)
	}
	for _, ns := range []*netns.NsHandle{&h.original, &h.receiver, &h.sender} {
		if ns.IsOpen() {
			_ = ns.Close()
		}
	}
}
