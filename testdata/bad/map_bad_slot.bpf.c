/* A map of maps with a static slot that is a variable, not a map. */
#include "bpf_test.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
};

int not_a_map;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 2);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = {[1] = (void *)&not_a_map},
};

SEC("xdp")
int use(struct xdp_md *ctx)
{
	__u32 key = 0;

	not_a_map++;
	return bpf_map_lookup_elem(&outer, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
