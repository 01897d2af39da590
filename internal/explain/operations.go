package explain

import (
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Operation is what was being done with a program, a link or a map that exists, as far as a hint depends on it.
type Operation uint8

const (
	Pin          Operation = iota + 1 // give a map, a program or a link a name in a file system
	Attach                            // attach a program to what is none of the following
	AttachXDP                         // to an interface, by XDP
	AttachCgroup                      // to a cgroup
)

// AttachHint returns what to do about an attachment that the kernel refused, "" if there is nothing to say: that of
// OperationHint, or that the kernel is too old for it. attachType is a value of enum bpf_attach_type.
func AttachHint(attachType uint32, errno unix.Errno) string {
	op := Attach
	switch {
	case errno == unix.EINVAL:
		return AttachTypeTooNew(attachType)
	case attachType == sys.AttachXDP:
		op = AttachXDP
	case isCgroup(attachType):
		op = AttachCgroup
	}
	return OperationHint(op, errno)
}

// isCgroup reports whether programs attach to cgroups.
func isCgroup(attachType uint32) bool {
	switch attachType {
	case sys.AttachCgroupInetIngress, sys.AttachCgroupInetEgress, sys.AttachCgroupInetSockCreate, sys.AttachCgroupSockOps,
		sys.AttachCgroupDevice, sys.AttachCgroupSysctl, sys.AttachCgroupInetSockRelease, sys.AttachLSMCgroup:
		return true
	}
	return attachType >= sys.AttachCgroupInet4Bind && attachType <= sys.AttachCgroupUDP6Sendmsg ||
		attachType >= sys.AttachCgroupUDP4Recvmsg && attachType <= sys.AttachCgroupSetsockopt ||
		attachType >= sys.AttachCgroupInet4Getpeername && attachType <= sys.AttachCgroupInet6Getsockname ||
		attachType >= sys.AttachCgroupUnixConnect && attachType <= sys.AttachCgroupUnixGetsockname
}

// StructOpsHint returns what to do about a struct of operations that the kernel does not register, "" if there is nothing to say.
// docs/errors.md is made from its comments.
func StructOpsHint(errno unix.Errno) string {
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
		// Cause: a struct of operations that lacks something
		// Kernel: attach a struct of operations: `EINVAL`
		return "the kernel wants other values or functions in it than it has, or knows no links to structs of operations, before Linux 6.4"
	}
	return ""
}

// OperationHint returns what to do about an operation that the kernel refused, "" if there is nothing to say. docs/errors.md
// is made from its comments.
func OperationHint(op Operation, errno unix.Errno) string {
	switch op {
	case Pin:
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
	case AttachXDP:
		if errno == unix.EBUSY {
			// Cause: another XDP program is there
			// Kernel: attach XDP: `EBUSY`
			return "another program is attached to the interface: detach it, or have a dispatcher such as libxdp's run both"
		}
	case AttachCgroup, Attach:
		if errno == unix.EBUSY {
			// Cause: another program is there
			// Kernel: attach: `EBUSY`
			return "another program is attached there, and only one can be: detach it first"
		}
		if errno == unix.EPERM && op == AttachCgroup {
			// Cause: a program of the cgroup allows no others
			// Kernel: attach to a cgroup: `EPERM`
			return "a program is attached there, or further up, that allows no others, or the process lacks CAP_NET_ADMIN"
		}
	}
	return ""
}
