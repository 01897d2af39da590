/* Harder maps of maps: an inner definition of type hash, an outer map without static slots, its key
 * and value by size, and an inner map that the program also uses directly.
 *
 * run: fill retval=0 through_outer=42 empty=1
 */
#include "bpf_test.h"

struct counters {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u64);
	__type(value, __u64);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 3);
	__array(values, struct counters);
} a SEC(".maps") = {
	.values = {&shared, &shared},
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(key_size, sizeof(__u32));
	__uint(max_entries, 2);
	__array(values, struct counters);
} b SEC(".maps") = {
	.values = {[1] = &shared},
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(key_size, 12);
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__array(values, struct counters);
} unset SEC(".maps");

__u64 through_outer, empty;

SEC("tc")
int fill(struct __sk_buff *skb)
{
	__u64 key = 5, value = 42, *p;
	__u8 long_key[12] = {};
	__u32 slot = 1;
	void *inner;

	bpf_map_update_elem(&shared, &key, &value, BPF_ANY);
	inner = bpf_map_lookup_elem(&b, &slot);
	if (!inner)
		return 1;
	p = bpf_map_lookup_elem(inner, &key);
	if (p)
		through_outer = *p;
	if (!bpf_map_lookup_elem(&unset, long_key) && bpf_map_lookup_elem(&a, &slot))
		empty = 1;
	return 0;
}

LICENSE("Dual MIT/GPL");
