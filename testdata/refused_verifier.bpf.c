/* A program that every verifier refuses (it reads beyond the packet's end), after one that is fine:
 * the load must fail with EACCES and leave nothing behind.
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} a_map SEC(".maps");

SEC("xdp")
int fine(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&a_map, &key) ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int unchecked(struct xdp_md *ctx)
{
	return *(__u8 *)(long)ctx->data;
}

LICENSE("Dual MIT/GPL");
