/* A map definition as a struct of numbers, unlike libbpf's. */
#include "bpf_test.h"

struct {
	unsigned int type;
	unsigned int max_entries;
} wrong SEC(".maps");

SEC("xdp")
int use(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&wrong, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
