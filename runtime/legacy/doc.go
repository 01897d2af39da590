// Package legacy attaches programs where there are no BPF links: tc programs to clsact, before TCX
// (Linux 6.6); XDP programs by netlink, for drivers and kernels without links; and cgroup programs
// by BPF_PROG_ATTACH, which can also replace or override others.
//
// It is a separate module, so that only its users depend on a netlink library:
//
//	go get github.com/bpf2lskel/bpf2lskel/runtime/legacy
//
// Its functions resemble the methods of programs in package runtime, and return a [runtime.Link] as
// well. Unlike BPF links, these attachments outlive a process that ends without calling Close, and
// such a Link cannot be updated or pinned.
package legacy
