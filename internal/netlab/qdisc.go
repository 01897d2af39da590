package netlab

import (
	"encoding/binary"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Qdisc gives a device a root queueing discipline of a kind. Call it on the device's host (see
// [Host.Do]).
func Qdisc(device, kind string) error {
	iface, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	m := newMessage(unix.RTM_NEWQDISC, request|unix.NLM_F_CREATE|unix.NLM_F_REPLACE, tcmsg(iface.Index)...)
	m.text(unix.TCA_KIND, kind)
	if err := exchange(unix.NETLINK_ROUTE, m); err != nil {
		return fmt.Errorf("queueing discipline %s for %s: %w", kind, device, err)
	}
	return nil
}

// tcmsg returns a struct tcmsg for a device's root queueing discipline.
func tcmsg(index int) []byte {
	b := make([]byte, 20)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[12:], 1<<32-1) // parent: TC_H_ROOT
	return b
}
