package codegen

import (
	"fmt"
	"strings"
)

// MapTypeName is the name of a map type, from enum bpf_map_type, as bpftool writes it.
func MapTypeName(t uint32) string { return typeName(mapTypeNames, t) }

// ProgramTypeName is the name of a program type, from enum bpf_prog_type, as bpftool writes it.
func ProgramTypeName(t uint32) string { return typeName(programTypeNames, t) }

func typeName(names string, t uint32) string {
	if list := strings.Fields(names); int(t) < len(list) {
		return list[t]
	}
	return fmt.Sprintf("type %d", t)
}

// The enums in the kernel's order, without BPF_MAP_TYPE_ and BPF_PROG_TYPE_.
const (
	mapTypeNames = `unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace
		cgroup_array lru_hash lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap
		cpumap xskmap sockhash cgroup_storage reuseport_sockarray percpu_cgroup_storage queue
		stack sk_storage devmap_hash struct_ops ringbuf inode_storage task_storage bloom_filter
		user_ringbuf cgrp_storage arena insn_array rhash`
	programTypeNames = `unspec socket_filter kprobe sched_cls sched_act tracepoint xdp perf_event
		cgroup_skb cgroup_sock lwt_in lwt_out lwt_xmit sock_ops sk_skb cgroup_device
		sk_msg raw_tracepoint cgroup_sock_addr lwt_seg6local lirc_mode2 sk_reuseport flow_dissector
		cgroup_sysctl raw_tracepoint_writable cgroup_sockopt tracing struct_ops ext lsm
		sk_lookup syscall netfilter`
)
