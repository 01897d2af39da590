// Package legacy attaches programs where there are no BPF links: tc programs to clsact, before TCX
// (Linux 6.6), XDP programs by netlink, for drivers and kernels that have no links for them, and
// programs of cgroups by BPF_PROG_ATTACH, which can also replace or override others.
//
// It is a module of its own, so that only its users have a netlink library:
//
//	go get github.com/bpf2lskel/bpf2lskel/runtime/legacy
//
// Its functions are like the methods of programs in package runtime, and give the same
// [runtime.Link]. Unlike BPF links, these attachments outlive the process, if it ends without
// Close; and such a Link cannot be updated or pinned.
package legacy
