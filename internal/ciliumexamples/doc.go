// Package ciliumexamples has ports of the example programs of cilium/ebpf, each of them a test: it
// loads the example's object, attaches its programs, causes what they look at, and expects what the
// example would print.
//
// The generated packages here are of objects of the project's own, in bpf: they have the maps,
// programs and types that the examples' C sources have, and do the same. Command overlay generates
// packages from the examples' own sources, unchanged, for `go test -overlay`, so that the ports are
// also run with these: TestUnchangedSources does so on this machine, vmtest in guests.
package ciliumexamples

//go:generate go tool bpf2lskel -o cgroup_skb bpf/cgroup_skb.bpf.c
//go:generate go tool bpf2lskel -o fentry bpf/fentry.bpf.c
//go:generate go tool bpf2lskel -o kprobe bpf/kprobe.bpf.c
//go:generate go tool bpf2lskel -o kprobe_percpu bpf/kprobe_percpu.bpf.c
//go:generate go tool bpf2lskel -o kprobepin bpf/kprobepin.bpf.c
//go:generate go tool bpf2lskel -o map_in_map bpf/map_in_map.bpf.c
//go:generate go tool bpf2lskel -o ringbuffer bpf/ringbuffer.bpf.c
//go:generate go tool bpf2lskel -o sched_ext bpf/sched_ext.bpf.c
//go:generate go tool bpf2lskel -o tcprtt bpf/tcprtt.bpf.c
//go:generate go tool bpf2lskel -o tcprtt_sockops bpf/tcprtt_sockops.bpf.c
//go:generate go tool bpf2lskel -o tcx bpf/tcx.bpf.c
//go:generate go tool bpf2lskel -o tracepoint_in_c bpf/tracepoint_in_c.bpf.c
//go:generate go tool bpf2lskel -o tracepoint_in_go bpf/tracepoint_in_go.bpf.c
//go:generate go tool bpf2lskel -o uretprobe -target amd64 bpf/uretprobe.bpf.c
//go:generate go tool bpf2lskel -o xdp bpf/xdp.bpf.c
//go:generate go tool bpf2lskel -o xdp_live_frame bpf/xdp_live_frame.bpf.c
