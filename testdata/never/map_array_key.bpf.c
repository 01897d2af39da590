/* An array with keys of eight bytes. */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u64);
	__type(value, __u64);
	__uint(max_entries, 4);
} counts SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u64 key = 0, *n = bpf_map_lookup_elem(&counts, &key);

	if (n)
		*n += 1;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
