/* A map of maps whose inner maps have a value type that clang before 22 does not describe. */
#include "bpf_test.h"

struct locked {
	struct bpf_spin_lock lock;
	__u32 n;
};

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct locked);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps");

SEC("tc")
int use(struct __sk_buff *skb)
{
	__u32 key = 1;

	return bpf_map_lookup_elem(&outer, &key) != NULL;
}

LICENSE("GPL");
