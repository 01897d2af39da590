/* A map definition whose key_size is not the size of its key. */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__uint(key_size, 8);
	__type(value, __u64);
	__uint(max_entries, 1);
} wrong SEC(".maps");

SEC("xdp")
int use(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&wrong, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
