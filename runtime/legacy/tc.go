package legacy

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// TCOptions are options for [AttachTC]. Nil means the defaults.
type TCOptions struct {
	// Priority orders the programs of an interface and direction, the lowest first. Zero means
	// after all existing programs.
	Priority uint16
	// Handle distinguishes programs of the same priority. Zero means 1.
	Handle uint32
}

// lastPriority is the highest priority that a program may have: after a higher one, the kernel does
// not find the next filter.
const lastPriority = 1<<16 - 1

// AttachTC attaches a program to the ingress or egress side of a network interface, in
// direct-action mode, as a filter of the clsact qdisc, which it adds if there is none. If the
// program returns [runtime.TCActUnspec], the next one decides. The interface is looked up in the
// network namespace of the calling thread.
//
// TCX programs of the same interface run first.
func AttachTC(p runtime.SchedCLSProgram, ifindex int, dir runtime.Direction, opts *TCOptions) (*runtime.Link, error) {
	what := onInterface("tc ingress", ifindex)
	parent := uint32(netlink.HANDLE_MIN_INGRESS)
	switch dir {
	case runtime.Ingress:
	case runtime.Egress:
		what, parent = onInterface("tc egress", ifindex), netlink.HANDLE_MIN_EGRESS
	default:
		return nil, programError("", onInterface("tc", ifindex), fmt.Errorf("invalid direction %d: %w", dir, unix.EINVAL), "")
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
	// The handle's socket stays in this network namespace, whichever thread closes the link.
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
			hint = "another filter has this priority and handle: choose a different Priority or Handle"
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

// addFilter adds the filter, and the qdisc if needed. A filter without a priority is added after
// all others.
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
			return fmt.Errorf("an existing filter has the highest priority, %d: %w", lastPriority, unix.ENOSPC)
		}
		filter.Priority = last + 1
		if err := nl.FilterAdd(filter); !errors.Is(err, unix.EEXIST) {
			return err // or another process was faster
		}
	}
}
