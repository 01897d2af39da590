/* Maps that are pinned by name, and one that is not.
 *
 * run: count retval=0 seen=1
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 4);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} bpf2lskel_pinned SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_NONE);
} unpinned SEC(".maps");

__u64 seen;

SEC("tc")
int count(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 one = 1;

	bpf_map_update_elem(&bpf2lskel_pinned, &key, &one, BPF_ANY);
	seen = bpf_map_lookup_elem(&bpf2lskel_pinned, &key) && bpf_map_lookup_elem(&unpinned, &key);
	return 0;
}

LICENSE("Dual MIT/GPL");
