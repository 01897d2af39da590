/* Counts packets by IPv4 source address. */
#include "example.h"
#include <linux/if_ether.h>
#include <linux/ip.h>

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} xdp_stats_map SEC(".maps");

SEC("xdp")
int xdp_prog_func(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	__u32 one = 1, *n;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	__u32 from = ip->saddr;
	n = bpf_map_lookup_elem(&xdp_stats_map, &from);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&xdp_stats_map, &from, &one, BPF_NOEXIST);
	return XDP_PASS;
}
