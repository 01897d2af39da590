/* Maps with keys and values. Each has a program that reads the value under one key and stores twice
 * the value under another one.
 */
#include "kinds.h"

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct prefix {
	__u32 bits;
	__u8 address[4];
};

MAP(BPF_MAP_TYPE_HASH, hash, __u64, struct counter, 16);
MAP(BPF_MAP_TYPE_LRU_HASH, lru, __u64, struct counter, 16);
MAP(BPF_MAP_TYPE_ARRAY, array, __u32, struct counter, 16);
MAP(BPF_MAP_TYPE_PERCPU_HASH, percpu_hash, __u64, struct counter, 16);
MAP(BPF_MAP_TYPE_PERCPU_ARRAY, percpu_array, __u32, struct counter, 16);
MAP(BPF_MAP_TYPE_LRU_PERCPU_HASH, percpu_lru, __u64, struct counter, 16);

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, struct counter);
	__uint(max_entries, 16);
} routes SEC(".maps");

const volatile __u64 factor = 2;
__u64 runs;

static int double_entry(void *map, const void *from, const void *to)
{
	struct counter c = {}, *found = bpf_map_lookup_elem(map, from);

	if (!found)
		return 1;
	c.packets = found->packets * factor;
	c.bytes = found->bytes * factor;
	__sync_fetch_and_add(&runs, 1);
	return bpf_map_update_elem(map, to, &c, BPF_ANY);
}

#define DOUBLES(map, key_type)                      \
	SEC("tc")                                   \
	int double_##map(struct __sk_buff *skb)     \
	{                                           \
		key_type from = 1, to = 2;          \
                                                    \
		return double_entry(&map, &from, &to); \
	}

DOUBLES(hash, __u64)
DOUBLES(lru, __u64)
DOUBLES(array, __u32)
DOUBLES(percpu_hash, __u64)
DOUBLES(percpu_array, __u32)
DOUBLES(percpu_lru, __u64)

/* The value of host 10.1.2.3 is stored for network 10.1.2.0/24. */
SEC("tc")
int double_routes(struct __sk_buff *skb)
{
	struct prefix from = {32, {10, 1, 2, 3}}, to = {24, {10, 1, 2, 0}};

	return double_entry(&routes, &from, &to);
}
