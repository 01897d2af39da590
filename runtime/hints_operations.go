package runtime

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// operationHint is a cause of failures after the load: of attaching and pinning. These too are
// in docs/errors.md, and thought of only when an error is printed.
type operationHint struct {
	cause string
	op    string // how the operation's name begins
	errno unix.Errno
	text  string
}

var operationHints = []operationHint{
	{
		"name collision on a pin", "pin to ", unix.EEXIST,
		"something is pinned there already: remove it, or pin under another name",
	},
	{
		"pin outside of a BPF file system, or a dot in its name", "pin to ", unix.EPERM,
		"pins are names without dots in a BPF file system: mount -t bpf bpf /sys/fs/bpf",
	},
	{
		"folder of a pin missing", "pin to ", unix.ENOENT,
		"the folder does not exist: create it first, in a BPF file system",
	},
	{
		"another XDP program is there", "attach XDP ", unix.EBUSY,
		"another program is attached to the interface: detach it, or have a dispatcher such as libxdp's run both",
	},
	{
		"another program is there", "attach ", unix.EBUSY,
		"another program is attached there, and only one can be: detach it first",
	},
	{
		"a cgroup's program that tolerates no other", "attach to cgroup ", unix.EPERM,
		"a program is attached there, or further up, that allows no others, or the process lacks CAP_NET_ADMIN",
	},
}

// withHint adds what the hint says to an operation's error, if there is any.
func withHint(said, op string, err error) string {
	errno, ok := errors.AsType[unix.Errno](err)
	if !ok {
		return said
	}
	for _, h := range operationHints {
		if h.errno == errno && strings.HasPrefix(op, h.op) {
			return said + " (" + h.text + ")"
		}
	}
	return said
}
