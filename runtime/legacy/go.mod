module github.com/bpf2lskel/bpf2lskel/runtime/legacy

go 1.25.0

require (
	github.com/bpf2lskel/bpf2lskel v0.0.0
	github.com/vishvananda/netlink v1.3.1
	golang.org/x/sys v0.47.0
)

require (
	github.com/cilium/ebpf v0.22.0 // indirect
	github.com/vishvananda/netns v0.0.5 // indirect
)

replace github.com/bpf2lskel/bpf2lskel => ../..
