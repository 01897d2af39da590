/* A map that every kernel refuses with EINVAL, after one that is fine: an LPM trie without BPF_F_NO_PREALLOC.
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} fine SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, __u64);
	__type(value, __u64);
	__uint(max_entries, 1);
} refused SEC(".maps");

SEC("xdp")
int use(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&fine, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
