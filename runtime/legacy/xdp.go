package legacy

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// XDPOptions are options for [AttachXDP]. Nil means the defaults.
type XDPOptions struct {
	// Mode selects where in the network stack the program runs.
	Mode runtime.XDPMode
	// Replace replaces an attached program, unless that is attached by a BPF link.
	Replace bool
}

// AttachXDP attaches a program to a network interface by netlink, in the network namespace of the
// calling thread. If another program is attached and Replace is not set, the error is unix.EBUSY.
// Close does nothing if another program has since replaced this one.
func AttachXDP(p runtime.XDPProgram, ifindex int, opts *XDPOptions) (*runtime.Link, error) {
	what := onInterface("XDP", ifindex)
	num, release, err := borrow(p.Program, what)
	if err != nil {
		return nil, err
	}
	defer release()
	fail := func(err error, hint string) (*runtime.Link, error) {
		return nil, programError(p.Name(), what, err, hint)
	}
	if opts == nil {
		opts = &XDPOptions{}
	}
	id, err := p.ID()
	if err != nil {
		return fail(err, "")
	}
	netns, err := currentNetNS()
	if err != nil {
		return fail(err, "")
	}
	flags := int(opts.Mode)
	if !opts.Replace {
		flags |= unix.XDP_FLAGS_UPDATE_IF_NOEXIST
	}
	if err := setXDP(ifindex, num, flags); err != nil {
		unix.Close(netns)
		hint := interfaceHint(err)
		switch {
		case errors.Is(err, unix.EBUSY):
			hint = "another program is attached to the interface: detach it, or set Replace"
		case errors.Is(err, unix.EOPNOTSUPP):
			hint = explain.XDPHint(unix.EOPNOTSUPP)
		}
		return fail(err, hint)
	}
	return runtime.NewLink(p, what, func() error {
		defer unix.Close(netns)
		return inNetNS(netns, func() error { return detachXDP(ifindex, id, int(opts.Mode)) })
	}), nil
}

// detachXDP detaches the program with the given ID, if it is attached.
func detachXDP(ifindex int, id uint32, flags int) error {
	device, err := netlink.LinkByIndex(ifindex)
	switch {
	case errors.As(err, new(netlink.LinkNotFoundError)):
		return nil
	case err != nil:
		return err
	}
	if xdp := device.Attrs().Xdp; xdp == nil || !xdp.Attached || xdp.ProgId != id {
		return nil
	}
	return setXDP(ifindex, -1, flags)
}

// setXDP attaches a program, or detaches the current one if num is -1.
func setXDP(ifindex, num, flags int) error {
	device := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: ifindex}}
	if err := netlink.LinkSetXdpFdWithFlags(device, num, flags); err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	return nil
}
