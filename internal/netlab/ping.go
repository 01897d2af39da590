package netlab

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

// pingTimeout is how long an answer may take.
const pingTimeout = 5 * time.Second

// Ping sends n ICMP echo requests with size bytes of data to the other host
// and waits for the answer to each.
func (h *Host) Ping(to *Host, n, size int) error {
	return h.Do(func() error {
		conn, err := icmp.ListenPacket("ip4:icmp", h.IP)
		if err != nil {
			return fmt.Errorf("ping: %w", err)
		}
		defer conn.Close()
		for seq := range n {
			if err := ping(conn, to, seq, size); err != nil {
				return fmt.Errorf("ping %s: %w", to.IP, err)
			}
		}
		return nil
	})
}

// ping sends one request and waits for its answer.
func ping(conn *icmp.PacketConn, to *Host, seq, size int) error {
	request := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 1, Seq: seq, Data: make([]byte, size)}}
	packet, err := request.Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo(packet, &net.IPAddr{IP: net.ParseIP(to.IP)}); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(pingTimeout)); err != nil {
		return err
	}
	for buf := make([]byte, 1500); ; {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		answer, err := icmp.ParseMessage(int(ipv4.ICMPTypeEchoReply.Protocol()), buf[:n])
		if err != nil {
			return err
		}
		if echo, ok := answer.Body.(*icmp.Echo); ok && answer.Type == ipv4.ICMPTypeEchoReply && echo.Seq == seq {
			return nil
		}
	}
}
