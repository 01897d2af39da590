// Package netlab makes networks for demos and tests without hardware: two hosts on one machine,
// each in its own network namespace, joined by a veth pair.
package netlab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// Host is a network namespace with one interface.
type Host struct {
	Interface string
	IP        string // of the interface, IPv4

	ns *os.File
}

// Pair creates two hosts that reach each other: a has veth0 with 10.9.8.1, b has veth1 with
// 10.9.8.2. IPv6 is off, so only what the hosts are made to send is sent. The hosts vanish when
// both are closed and no process is left in them.
func Pair() (a, b *Host, err error) {
	a = &Host{Interface: "veth0", IP: "10.9.8.1"}
	b = &Host{Interface: "veth1", IP: "10.9.8.2"}
	err = inOwnThread(func() error {
		if b.ns, err = newNS(); err != nil {
			return err
		}
		if a.ns, err = newNS(); err != nil {
			return err
		}
		return addVeth(a.Interface, b.Interface, b.ns)
	})
	if err == nil {
		err = errors.Join(a.Do(a.up), b.Do(b.up))
	}
	if err != nil {
		a.Close()
		b.Close()
		return nil, nil, fmt.Errorf("join two hosts: %w", err)
	}
	return a, b, nil
}

// up gives the host's interface its address and starts it.
func (h *Host) up() error {
	_, err := Up(h.Interface, h.IP)
	return err
}

// Do runs f on the host. Sockets that it opens and processes that it starts stay on the host after
// it returns.
func (h *Host) Do(f func() error) error {
	return inOwnThread(func() error {
		if err := enter(h.ns); err != nil {
			return err
		}
		return f()
	})
}

// SendUDP sends n datagrams of size bytes to port of the other host.
func (h *Host) SendUDP(to *Host, port string, n, size int) error {
	return h.Do(func() error {
		conn, err := net.Dial("udp4", net.JoinHostPort(to.IP, port))
		if err != nil {
			return err
		}
		defer conn.Close()
		for sent := 0; sent < n; {
			// If nobody listens, a write may report the ICMP error that came back for an earlier
			// write instead of sending.
			_, err := conn.Write(make([]byte, size))
			switch {
			case err == nil:
				sent++
			case !errors.Is(err, syscall.ECONNREFUSED):
				return err
			}
			time.Sleep(pause)
		}
		return nil
	})
}

// pause separates two packets, so that the other host has received one before the next arrives.
const pause = 10 * time.Millisecond

// Close gives up the host.
func (h *Host) Close() {
	if h.ns != nil {
		_ = h.ns.Close()
	}
}
