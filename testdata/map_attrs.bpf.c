/* Every attribute of a map definition: flags, numa_node, map_extra (the bloom filter's number of
 * hash functions, and its default), key and value by both size and type, read-only for programs.
 *
 * run: check retval=0 in_bloom=1 not_in_bloom=1
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(key_size, sizeof(__u32));
	__type(key, __u32);
	__uint(value_size, sizeof(__u64));
	__type(value, __u64);
	__uint(max_entries, 32);
	__uint(map_flags, BPF_F_NUMA_NODE | BPF_F_NO_PREALLOC);
	__uint(numa_node, 0);
} on_node SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__type(value, __u32);
	__uint(max_entries, 1000);
	__uint(map_extra, 3);
} bloom SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(value_size, 8);
	__uint(max_entries, 1000);
} bloom_default SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_RDONLY_PROG | BPF_F_MMAPABLE);
} mapped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 4);
	__uint(map_flags, BPF_F_INNER_MAP | BPF_F_WRONLY_PROG);
} write_only SEC(".maps");

__u64 in_bloom, not_in_bloom;

SEC("tc")
int check(struct __sk_buff *skb)
{
	__u32 a = 17, b = 18, k = 0;
	__u64 c = 19;

	bpf_map_push_elem(&bloom, &a, BPF_ANY);
	bpf_map_push_elem(&bloom_default, &c, BPF_ANY);
	in_bloom = bpf_map_peek_elem(&bloom, &a) == 0;
	not_in_bloom = bpf_map_peek_elem(&bloom, &b) != 0;
	bpf_map_update_elem(&on_node, &a, &c, BPF_ANY);
	bpf_map_update_elem(&write_only, &k, &c, BPF_ANY);
	bpf_map_lookup_elem(&mapped, &k);
	return 0;
}

LICENSE("Dual MIT/GPL");
