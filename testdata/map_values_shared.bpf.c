/* Map definitions that share a named struct type, are static or hidden, and have names that are
 * longer than the kernel's.
 *
 * run: fill retval=0 found=4
 */
#include "bpf_test.h"

struct counter_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 4);
};

struct counter_map one SEC(".maps"), two SEC(".maps");
struct counter_map the_same_long_prefix_of_two_maps_a SEC(".maps");
__hidden struct counter_map the_same_long_prefix_of_two_maps_b SEC(".maps");

__u64 found;

#define FILL(map)                                             \
	do {                                                  \
		bpf_map_update_elem(&map, &key, &val, 0);     \
		if (bpf_map_lookup_elem(&map, &key))          \
			found++;                              \
	} while (0)

SEC("tc")
int fill(struct __sk_buff *skb)
{
	__u32 key = 3;
	__u64 val = 4;

	FILL(one);
	FILL(two);
	FILL(the_same_long_prefix_of_two_maps_a);
	FILL(the_same_long_prefix_of_two_maps_b);
	return 0;
}

LICENSE("Dual MIT/GPL");
