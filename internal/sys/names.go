package sys

import (
	"strconv"
	"strings"
)

// MapTypeName returns the name of a map type as bpftool writes it, such as lru_hash for
// BPF_MAP_TYPE_LRU_HASH. For an unknown type it returns a text such as "type 99".
func MapTypeName(typ uint32) string { return typeName(mapTypeNames, typ) }

// ProgTypeName returns the name of a program type as bpftool writes it, such as sched_cls for
// BPF_PROG_TYPE_SCHED_CLS.
func ProgTypeName(typ uint32) string { return typeName(progTypeNames, typ) }

// MapTypeSymbol returns the name of a map type in the kernel's headers, such as
// BPF_MAP_TYPE_LRU_HASH, or a text such as "map type 99".
func MapTypeSymbol(typ uint32) string { return symbol("map ", "BPF_MAP_TYPE_", MapTypeName(typ)) }

// ProgTypeSymbol returns the name of a program type in the kernel's headers, such as
// BPF_PROG_TYPE_SCHED_CLS, or a text such as "program type 99".
func ProgTypeSymbol(typ uint32) string {
	return symbol("program ", "BPF_PROG_TYPE_", ProgTypeName(typ))
}

func typeName(names string, typ uint32) string {
	if list := strings.Fields(names); uint64(typ) < uint64(len(list)) {
		return list[typ]
	}
	return "type " + strconv.FormatUint(uint64(typ), 10)
}

func symbol(kind, prefix, name string) string {
	if strings.Contains(name, " ") { // unknown
		return kind + name
	}
	return prefix + strings.ToUpper(name)
}

// The enums in the kernel's order, without BPF_MAP_TYPE_ and BPF_PROG_TYPE_.
const (
	mapTypeNames = `unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace
		cgroup_array lru_hash lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap
		cpumap xskmap sockhash cgroup_storage reuseport_sockarray percpu_cgroup_storage queue
		stack sk_storage devmap_hash struct_ops ringbuf inode_storage task_storage bloom_filter
		user_ringbuf cgrp_storage arena insn_array rhash`
	progTypeNames = `unspec socket_filter kprobe sched_cls sched_act tracepoint xdp perf_event
		cgroup_skb cgroup_sock lwt_in lwt_out lwt_xmit sock_ops sk_skb cgroup_device
		sk_msg raw_tracepoint cgroup_sock_addr lwt_seg6local lirc_mode2 sk_reuseport flow_dissector
		cgroup_sysctl raw_tracepoint_writable cgroup_sockopt tracing struct_ops ext lsm
		sk_lookup syscall netfilter`
)
