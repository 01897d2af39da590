//go:build ignore

// SPDX-License-Identifier: MIT
//
// Version 1: counts the packets and bytes that an interface receives, by IP protocol.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32); // IPv4 protocol; 256: not IPv4
	__type(value, struct counter);
	__uint(max_entries, 257);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counts SEC(".maps");

SEC("xdp")
int count_packets(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct counter *c, first = {};
	__u32 protocol = 256;

	if ((void *)(ip + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IP))
		protocol = ip->protocol;
	c = bpf_map_lookup_elem(&counts, &protocol);
	if (!c) {
		bpf_map_update_elem(&counts, &protocol, &first, BPF_NOEXIST);
		c = bpf_map_lookup_elem(&counts, &protocol);
		if (!c)
			return XDP_PASS;
	}
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->bytes, end - data);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
