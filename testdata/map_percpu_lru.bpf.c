/* Per-CPU and LRU variants of array and hash.
 *
 * run: count retval=0 hits=5
 */
#include "bpf_test.h"

#define MAP(map_type, name, entries)          \
	struct {                              \
		__uint(type, map_type);       \
		__type(key, __u32);           \
		__type(value, __u64);         \
		__uint(max_entries, entries); \
	} name SEC(".maps")

MAP(BPF_MAP_TYPE_PERCPU_ARRAY, pa, 2);
MAP(BPF_MAP_TYPE_PERCPU_HASH, ph, 16);
MAP(BPF_MAP_TYPE_LRU_HASH, lh, 16);
MAP(BPF_MAP_TYPE_LRU_PERCPU_HASH, lph, 16);

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_COMMON_LRU);
} lh_own SEC(".maps");

__u64 hits;

#define TOUCH(map)                                                 \
	do {                                                       \
		__u64 *v_;                                         \
		bpf_map_update_elem(&map, &key, &val, BPF_ANY);    \
		v_ = bpf_map_lookup_elem(&map, &key);              \
		if (v_ && *v_ == 9)                                \
			hits++;                                    \
	} while (0)

SEC("tc")
int count(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 val = 9;

	TOUCH(pa);
	TOUCH(ph);
	TOUCH(lh);
	TOUCH(lph);
	TOUCH(lh_own);
	return 0;
}

LICENSE("Dual MIT/GPL");
