package netlab

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"
)

// pingTimeout is how long a reply may take.
const pingTimeout = 5 * time.Second

// ICMP message types, and the size of their header: type, code, checksum, identifier, sequence
// number.
const (
	echoReply   = 0
	echoRequest = 8
	echoHeader  = 8
)

// Ping sends n ICMP echo requests with size bytes of data to the other host and waits for the reply
// to each.
func (h *Host) Ping(to *Host, n, size int) error {
	return h.Do(func() error {
		conn, err := net.ListenPacket("ip4:icmp", h.IP)
		if err != nil {
			return fmt.Errorf("ping: %w", err)
		}
		defer conn.Close()
		for seq := range n {
			if err := ping(conn, to, uint16(seq), size); err != nil {
				return fmt.Errorf("ping %s: %w", to.IP, err)
			}
		}
		return nil
	})
}

// ping sends one request and waits for its reply.
func ping(conn net.PacketConn, to *Host, seq uint16, size int) error {
	request := make([]byte, echoHeader+size)
	request[0] = echoRequest
	binary.BigEndian.PutUint16(request[4:], 1) // identifier
	binary.BigEndian.PutUint16(request[6:], seq)
	binary.BigEndian.PutUint16(request[2:], checksum(request))
	if _, err := conn.WriteTo(request, &net.IPAddr{IP: net.ParseIP(to.IP)}); err != nil {
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
		if n >= echoHeader && buf[0] == echoReply && binary.BigEndian.Uint16(buf[6:]) == seq {
			return nil
		}
	}
}

// checksum is the Internet checksum of RFC 1071: the complement of the ones' complement sum.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i, c := range b {
		sum += uint32(c) << (8 * (^i & 1)) // the first byte of a pair is the high one
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
