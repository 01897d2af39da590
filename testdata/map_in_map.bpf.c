/* Maps of maps: an array and a hash, each with its inner definition in place and with static slots.
 * Two slots hold the same inner map.
 *
 * run: look retval=0 found=3 none=1
 */
#include "bpf_test.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 2);
} left SEC(".maps"), right SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 4);
	__array(values, struct inner);
} table SEC(".maps") = {
	.values = {[0] = &left, [2] = &right, [3] = &left},
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 4);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__type(key, __u32);
		__type(value, __u64);
		__uint(max_entries, 2);
	});
} by_key SEC(".maps") = {
	.values = {[1] = (void *)&right},
};

__u64 found, none;


SEC("tc")
int look(struct __sk_buff *skb)
{
	__u32 slot = 0, zero = 0;
	void *map;

	map = bpf_map_lookup_elem(&table, &slot);
	if (map && bpf_map_lookup_elem(map, &zero))
		found++;
	slot = 1;
	if (!bpf_map_lookup_elem(&table, &slot))
		none++;
	slot = 3;
	map = bpf_map_lookup_elem(&table, &slot);
	if (map && bpf_map_lookup_elem(map, &zero))
		found++;
	slot = 1;
	map = bpf_map_lookup_elem(&by_key, &slot);
	if (map && bpf_map_lookup_elem(map, &zero))
		found++;
	return 0;
}

LICENSE("Dual MIT/GPL");
