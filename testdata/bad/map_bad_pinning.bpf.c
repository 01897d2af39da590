/* A map definition with a kind of pinning that does not exist. */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
	__uint(pinning, 7);
} wrong SEC(".maps");

SEC("xdp")
int use(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&wrong, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
