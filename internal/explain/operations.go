package explain

import "github.com/bpf2lskel/bpf2lskel/internal/unix"

// Hints for operations after the load that the kernel refused. There is a function for each kind of
// operation, so that binaries only contain the hints for what they do. Each returns "" if it has no
// hint. docs/errors.md is generated from their comments.

// AttachHint is for all ways to attach. attachType is a value of enum bpf_attach_type.
func AttachHint(attachType uint32, errno unix.Errno) string {
	switch errno {
	case unix.EINVAL:
		return AttachTypeTooNew(attachType)
	case unix.EBUSY:
		// Cause: another program is attached
		// Kernel: attach: `EBUSY`
		return "another program is attached, and only one can be: detach it first"
	}
	return ""
}

// XDPHint is for attaching to an interface by XDP (bpf_xdp_link_attach, dev_xdp_attach).
func XDPHint(errno unix.Errno) string {
	switch errno {
	case unix.EBUSY:
		// Cause: another XDP program is attached
		// Kernel: attach XDP: `EBUSY`
		return "another program is attached to the interface: detach it, or run both with a dispatcher such as libxdp's"
	case unix.EINVAL:
		// Cause: interface not found, for XDP
		// Kernel: attach XDP: `EINVAL`
		return "this thread's network namespace has no such interface, or its driver refuses the program"
	case unix.EOPNOTSUPP:
		// Cause: unsupported XDP mode
		// Kernel: attach XDP: `EOPNOTSUPP`
		return "the interface's driver does not support this mode: use XDPGeneric or XDPAuto"
	}
	return ""
}

// InterfaceHint is for attaching to an interface by TCX or netkit (tcx_link_attach,
// netkit_dev_fetch).
func InterfaceHint(errno unix.Errno) string {
	switch errno {
	case unix.ENODEV:
		// Cause: interface not found
		// Kernel: attach TCX, attach to netkit: `ENODEV`
		return "the network namespace of this thread has no such interface"
	case unix.ENXIO:
		// Cause: not a netkit device
		// Kernel: attach to netkit: `ENXIO`
		return "the interface is not a netkit device"
	case unix.EACCES:
		// Cause: peer of a netkit device
		// Kernel: attach to netkit: `EACCES`
		return "the interface is the peer of its pair: attach programs for both to the primary one"
	}
	return ""
}

// CgroupHint is for attaching to a cgroup (cgroup_get_from_fd, __cgroup_bpf_attach).
func CgroupHint(errno unix.Errno) string {
	switch errno {
	case unix.EBADF:
		// Cause: not the directory of a cgroup
		// Kernel: attach to a cgroup: `EBADF`
		return "it is not the directory of a version 2 cgroup"
	case unix.EPERM:
		// Cause: exclusive program in a cgroup
		// Kernel: attach to a cgroup: `EPERM`
		return "a program attached to the cgroup or a parent excludes others, or the process lacks CAP_NET_ADMIN"
	}
	return ""
}

// StructOpsHint is for registering struct_ops, with a link or, in the first step, by setting the
// value.
func StructOpsHint(errno unix.Errno, link bool) string {
	switch errno {
	case unix.EEXIST:
		// Cause: struct_ops of the same name
		// Kernel: attach struct_ops: `EEXIST`
		return "one of this name is already registered: detach it, or give this one another name"
	case unix.EBUSY:
		// Cause: struct_ops already registered
		// Kernel: attach struct_ops: `EBUSY`
		return "it was already registered, which is possible once per load, or the kernel allows one at a time and another is registered"
	case unix.EINVAL:
		if link {
			// Cause: struct_ops without link support
			// Kernel: attach struct_ops by a link: `EINVAL`
			return "the kernel rejects its values or functions, or does not support struct_ops links, before Linux 6.4"
		}
		// Cause: incomplete struct_ops
		// Kernel: attach struct_ops: `EINVAL`
		return "a function that the kernel requires is missing, or a value is invalid"
	}
	return ""
}

// PinHint is for pinning a map, a program or a link in a file system (bpf_obj_pin_user).
func PinHint(errno unix.Errno) string {
	switch errno {
	case unix.EEXIST:
		// Cause: pin already exists
		// Kernel: pin: `EEXIST`
		return "something is already pinned there: remove it, or use another name"
	case unix.EPERM:
		// Cause: pin outside a BPF file system, or a dot in its name
		// Kernel: pin: `EPERM`
		return "want a name without dots in a BPF file system: mount -t bpf bpf /sys/fs/bpf mounts one"
	case unix.ENOENT:
		// Cause: no BPF file system, or the directory of a pin is missing
		// Kernel: pin: `ENOENT`
		return "the directory does not exist, or no BPF file system is mounted there: mount -t bpf bpf /sys/fs/bpf mounts one"
	}
	return ""
}

// UpdateHint is for replacing the program of a link (link_update).
func UpdateHint(errno unix.Errno) string {
	if errno == unix.EINVAL {
		// Cause: a link whose program cannot be replaced
		// Kernel: update a link: `EINVAL`
		return "the kernel replaces no programs of links of this kind, or the new one is of another type: attach the new program, then close or unpin this link, or use TakeLinks"
	}
	return ""
}

// OpenPinHint is for opening a pin (bpf_obj_do_get).
func OpenPinHint(errno unix.Errno) string {
	if errno == unix.EACCES {
		// Cause: not a pin
		// Kernel: open a pin: `EACCES`
		return "it is not a map, program or link in a BPF file system, or the process may not open it"
	}
	return ""
}
