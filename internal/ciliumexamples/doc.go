// Package ciliumexamples has ports of cilium/ebpf's example programs. Each port is a test: it loads
// the example's object, attaches its programs, triggers the events that they observe, and expects
// what the example would print.
//
// The generated packages here are made from this project's own objects, in bpf, which have the same
// maps, programs and types as the examples' C sources. Command overlay generates packages from the
// examples' own sources, unchanged, for `go test -overlay`. The ports also run with these: on this
// machine in TestUnchangedSources, in guests by vmtest.
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
