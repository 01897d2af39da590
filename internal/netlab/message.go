package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// message is a netlink message under construction: struct nlmsghdr, the header of its family, then
// attributes.
type message []byte

// newMessage begins a message that asks for an acknowledgement.
func newMessage(kind, flags uint16, header ...byte) message {
	m := make(message, unix.SizeofNlMsghdr, 256)
	binary.NativeEndian.PutUint16(m[4:], kind)
	binary.NativeEndian.PutUint16(m[6:], flags|unix.NLM_F_REQUEST)
	return append(m, header...)
}

// attr appends an attribute, padded to 4 bytes.
func (m *message) attr(kind uint16, data []byte) {
	*m = binary.NativeEndian.AppendUint16(*m, uint16(unix.SizeofNlAttr+len(data)))
	*m = binary.NativeEndian.AppendUint16(*m, kind)
	*m = append(*m, data...)
	*m = append(*m, make([]byte, -len(data)&3)...)
}

func (m *message) text(kind uint16, s string) { m.attr(kind, append([]byte(s), 0)) }

func (m *message) u32(kind uint16, n uint32) {
	m.attr(kind, binary.NativeEndian.AppendUint32(nil, n))
}

// be32 appends a number in network byte order, as netfilter expects it.
func (m *message) be32(kind uint16, n uint32) {
	m.attr(kind, binary.BigEndian.AppendUint32(nil, n))
}

// nest appends an attribute that holds header and the attributes that f appends.
func (m *message) nest(kind uint16, header []byte, f func(*message)) {
	inner := message(slices.Clone(header))
	f(&inner)
	m.attr(kind|unix.NLA_F_NESTED, inner)
}

// exchange sends messages to the kernel in one datagram and returns the first error in the replies.
// Messages with NLM_F_ACK are acknowledged also on success.
func exchange(family int, messages ...message) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	if err != nil {
		return fmt.Errorf("netlink socket: %w", err)
	}
	defer unix.Close(fd)
	// The kernel replies before sendto returns: a reply that is not here by then will not arrive.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		return err
	}
	var all []byte
	wanted := 0
	for i, m := range messages {
		binary.NativeEndian.PutUint32(m, uint32(len(m)))
		binary.NativeEndian.PutUint32(m[8:], uint32(i)) // sequence number
		if binary.NativeEndian.Uint16(m[6:])&unix.NLM_F_ACK != 0 {
			wanted++
		}
		all = append(all, m...)
	}
	if err := unix.Sendto(fd, all, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for buf := make([]byte, 8192); wanted > 0; {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for netlink's answer: %w", err)
		}
		for answer := buf[:n]; len(answer) >= unix.SizeofNlMsghdr+4; wanted-- {
			length := int(binary.NativeEndian.Uint32(answer))
			if kind := binary.NativeEndian.Uint16(answer[4:]); kind != unix.NLMSG_ERROR {
				return fmt.Errorf("netlink message of type %d is not an acknowledgement", kind)
			}
			if errno := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
				return unix.Errno(-errno)
			}
			answer = answer[min((length+3)&^3, len(answer)):]
		}
	}
	return nil
}
