package legacy

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// TCOptions say more about an attachment to clsact; nil means the defaults.
type TCOptions struct {
	// Priority orders the programs of one interface and direction, the lowest first. 0 is after all
	// that are there.
	Priority uint16
	// Handle tells programs of the same priority apart; 0 is 1.
	Handle uint32
}

// lastPriority is the highest that a program may have: with those above the kernel does not find
// what comes after it.
const lastPriority = 1<<16 - 1

// AttachTC attaches a program to the ingress or egress side of a network interface, in
// direct-action mode, as a filter of the clsact qdisc, which it adds if there is none. A program
// that returns [runtime.TCActUnspec] lets those after it decide. The filter is on the interface in
// the network namespace of the caller's thread.
//
// If an interface has TCX programs too, they come before.
func AttachTC(p runtime.SchedCLSProgram, ifindex int, dir runtime.Direction, opts *TCOptions) (*runtime.Link, error) {
	what := onInterface("tc ingress", ifindex)
	parent := uint32(netlink.HANDLE_MIN_INGRESS)
	switch dir {
	case runtime.Ingress:
	case runtime.Egress:
		what, parent = onInterface("tc egress", ifindex), netlink.HANDLE_MIN_EGRESS
	default:
		return nil, programError("", onInterface("tc", ifindex), fmt.Errorf("%d is no direction: %w", dir, unix.EINVAL), "")
	}
	num, release, err := borrow(p.Program, what)
	if err != nil {
		return nil, err
	}
	defer release()
	fail := func(err error, hint string) (*runtime.Link, error) {
		return nil, programError(p.Name(), what, err, hint)
	}
	if opts == nil {
		opts = &TCOptions{}
	}
	// The handle's socket stays in this network namespace, whatever thread closes the link.
	nl, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fail(err, "")
	}
	filter := &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: ifindex, Parent: parent, Protocol: unix.ETH_P_ALL, Priority: opts.Priority, Handle: max(opts.Handle, 1),
		},
		Fd: num, Name: p.Name(), DirectAction: true,
	}
	if err := addFilter(nl, filter); err != nil {
		nl.Close()
		hint := interfaceHint(err)
		if errors.Is(err, unix.EEXIST) {
			hint = "another filter has that priority and handle"
		}
		return fail(err, hint)
	}
	return runtime.NewLink(p, what, func() error {
		defer nl.Close()
		err := nl.FilterDel(filter)
		if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) {
			return nil // the interface, the qdisc or the filter is gone
		}
		return err
	}), nil
}

// addFilter adds the qdisc, if need be, and the filter, with a priority after all others if it has
// none.
func addFilter(nl *netlink.Handle, filter *netlink.BpfFilter) error {
	qdisc := &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: filter.LinkIndex, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
	}}
	if err := nl.QdiscAdd(qdisc); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("add clsact: %w", err)
	}
	if filter.Priority != 0 {
		return nl.FilterAdd(filter)
	}
	device := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: filter.LinkIndex}}
	for {
		list, err := nl.FilterList(device, filter.Parent)
		if err != nil {
			return fmt.Errorf("list filters: %w", err)
		}
		last := uint16(0)
		for _, f := range list {
			last = max(last, f.Attrs().Priority)
		}
		if last == lastPriority {
			return fmt.Errorf("a filter has the last priority, %d: %w", lastPriority, unix.ENOSPC)
		}
		filter.Priority = last + 1
		if err := nl.FilterAdd(filter); !errors.Is(err, unix.EEXIST) {
			return err // or somebody else was quicker
		}
	}
}
