/* A longest-prefix-match trie, which must have BPF_F_NO_PREALLOC.
 *
 * run: route retval=0 hop=24
 */
#include "bpf_test.h"

struct prefix {
	__u32 len;
	__u8 addr[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct prefix);
	__type(value, __u32);
	__uint(max_entries, 255);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} routes SEC(".maps");

__u64 hop;

SEC("tc")
int route(struct __sk_buff *skb)
{
	struct prefix wide = {8, {10, 0, 0, 0}};
	struct prefix narrow = {24, {10, 1, 2, 0}};
	struct prefix host = {32, {10, 1, 2, 3}};
	__u32 v = 8, *p;

	bpf_map_update_elem(&routes, &wide, &v, BPF_ANY);
	v = 24;
	bpf_map_update_elem(&routes, &narrow, &v, BPF_ANY);
	p = bpf_map_lookup_elem(&routes, &host);
	if (p)
		hop = *p;
	return 0;
}

LICENSE("Dual MIT/GPL");
