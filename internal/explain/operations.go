package explain

import "github.com/bpf2lskel/bpf2lskel/internal/unix"

// What to do about an operation after the load that the kernel refused: a function for each kind of
// operation, so that programs have only the hints of what they do. Each returns "" if there is
// nothing to say. docs/errors.md is made from their comments.

// AttachHint is for all ways to attach. attachType is a value of enum bpf_attach_type.
func AttachHint(attachType uint32, errno unix.Errno) string {
	switch errno {
	case unix.EINVAL:
		return AttachTypeTooNew(attachType)
	case unix.EBUSY:
		// Cause: another program is there
		// Kernel: attach: `EBUSY`
		return "another program is attached there, and only one can be: detach it first"
	}
	return ""
}

// XDPHint is for attaching to an interface by XDP (bpf_xdp_link_attach, dev_xdp_attach).
func XDPHint(errno unix.Errno) string {
	switch errno {
	case unix.EBUSY:
		// Cause: another XDP program is there
		// Kernel: attach XDP: `EBUSY`
		return "another program is attached to the interface: detach it, or have a dispatcher such as libxdp's run both"
	case unix.EINVAL:
		// Cause: an interface that is not there, for XDP
		// Kernel: attach XDP: `EINVAL`
		return "this thread's network namespace has no such interface, or its driver refuses the program"
	case unix.EOPNOTSUPP:
		// Cause: an XDP mode that the driver does not have
		// Kernel: attach XDP: `EOPNOTSUPP`
		return "the interface's driver does not have this mode: use XDPGeneric or XDPAuto"
	}
	return ""
}

// InterfaceHint is for attaching to an interface by TCX or netkit (tcx_link_attach,
// netkit_dev_fetch).
func InterfaceHint(errno unix.Errno) string {
	switch errno {
	case unix.ENODEV:
		// Cause: an interface that is not there
		// Kernel: attach TCX, attach to netkit: `ENODEV`
		return "the network namespace of this thread has no such interface"
	case unix.ENXIO:
		// Cause: an interface that is no netkit device
		// Kernel: attach to netkit: `ENXIO`
		return "the interface is not a netkit device"
	case unix.EACCES:
		// Cause: the peer of a netkit device
		// Kernel: attach to netkit: `EACCES`
		return "the interface is the peer of its pair: programs of both are attached to the primary one"
	}
	return ""
}

// CgroupHint is for attaching to a cgroup (cgroup_get_from_fd, __cgroup_bpf_attach).
func CgroupHint(errno unix.Errno) string {
	switch errno {
	case unix.EBADF:
		// Cause: a directory that is not a cgroup
		// Kernel: attach to a cgroup: `EBADF`
		return "it is not the directory of a cgroup of version 2"
	case unix.EPERM:
		// Cause: a program of the cgroup allows no others
		// Kernel: attach to a cgroup: `EPERM`
		return "a program is attached there, or further up, that allows no others, or the process lacks CAP_NET_ADMIN"
	}
	return ""
}

// StructOpsHint is for registering a struct of operations, by a link to it or by setting its value,
// which comes first.
func StructOpsHint(errno unix.Errno, link bool) string {
	switch errno {
	case unix.EEXIST:
		// Cause: a struct of operations of the same name
		// Kernel: attach a struct of operations: `EEXIST`
		return "one of this name is registered already: detach it, or give this one another name"
	case unix.EBUSY:
		// Cause: a struct of operations that is, or was, registered
		// Kernel: attach a struct of operations: `EBUSY`
		return "it is registered, or was before, which can be once for each load, or another one is where only one can be"
	case unix.EINVAL:
		if link {
			// Cause: a struct of operations that cannot have a link
			// Kernel: attach a struct of operations by a link: `EINVAL`
			return "the kernel wants other values or functions in it than it has, or knows no links to structs of operations, before Linux 6.4"
		}
		// Cause: a struct of operations that lacks something
		// Kernel: attach a struct of operations: `EINVAL`
		return "a function that the kernel calls is left out of it, or a value is none that the kernel takes"
	}
	return ""
}

// PinHint is for giving a map, a program or a link a name in a file system (bpf_obj_pin_user).
func PinHint(errno unix.Errno) string {
	switch errno {
	case unix.EEXIST:
		// Cause: name collision on a pin
		// Kernel: pin: `EEXIST`
		return "something is pinned there already: remove it, or pin under another name"
	case unix.EPERM:
		// Cause: pin outside a BPF file system, or a dot in its name
		// Kernel: pin: `EPERM`
		return "pins are names without dots in a BPF file system: mount -t bpf bpf /sys/fs/bpf"
	case unix.ENOENT:
		// Cause: the directory of a pin is missing
		// Kernel: pin: `ENOENT`
		return "the directory does not exist: create it first, in a BPF file system"
	}
	return ""
}

// OpenPinHint is for opening what is pinned (bpf_obj_do_get).
func OpenPinHint(errno unix.Errno) string {
	if errno == unix.EACCES {
		// Cause: a path that is not a pin
		// Kernel: open a pin: `EACCES`
		return "it is not a map, program or link in a BPF file system, or the process may not open it"
	}
	return ""
}
