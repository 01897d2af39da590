/* For the bench: packets and bytes by protocol, in XDP; no CO-RE. */
#include "bench.h"
#include <linux/if_ether.h>
#include <linux/ip.h>

struct counter {
	__u64 packets, bytes;
};

PERCPU_ARRAY(counts, struct counter, 256);

const volatile __u32 drop_protocol = 256;

SEC("xdp")
int count_packets(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > end || eth->h_proto != __builtin_bswap16(ETH_P_IP))
		return XDP_PASS;

	__u32 protocol = ip->protocol;
	struct counter *c = bpf_map_lookup_elem(&counts, &protocol);

	if (c) {
		c->packets++;
		c->bytes += end - data;
	}
	return protocol == drop_protocol ? XDP_DROP : XDP_PASS;
}

LICENSE("GPL");
