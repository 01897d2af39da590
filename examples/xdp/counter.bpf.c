//go:build ignore

// SPDX-License-Identifier: MIT
//
// Counts the packets and bytes that each interface receives, by IP protocol.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct key {
	__u32 ifindex;
	__u16 ethertype; // ETH_P_*
	__u8 protocol;   // IPPROTO_*; 0 if not IP
	__u8 pad;
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct key);
	__type(value, struct counter);
	__uint(max_entries, 1024);
} counts SEC(".maps");

// Packets smaller than this are not counted. Set before the program is loaded.
const volatile __u32 min_bytes = 0;

// All packets seen, of any size.
__u64 total = 0;

static void classify(struct xdp_md *ctx, struct key *key)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return;
	key->ethertype = bpf_ntohs(eth->h_proto);
	if (key->ethertype == ETH_P_IP) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) <= end)
			key->protocol = ip->protocol;
	} else if (key->ethertype == ETH_P_IPV6) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) <= end)
			key->protocol = ip->nexthdr;
	}
}

SEC("xdp")
int count_packets(struct xdp_md *ctx)
{
	struct key key = {.ifindex = ctx->ingress_ifindex};
	struct counter *c, first = {};
	__u64 bytes = ctx->data_end - ctx->data;

	__sync_fetch_and_add(&total, 1);
	if (bytes < min_bytes)
		return XDP_PASS;
	classify(ctx, &key);
	c = bpf_map_lookup_elem(&counts, &key);
	if (!c) {
		bpf_map_update_elem(&counts, &key, &first, BPF_NOEXIST);
		c = bpf_map_lookup_elem(&counts, &key);
		if (!c)
			return XDP_PASS;
	}
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->bytes, bytes);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
