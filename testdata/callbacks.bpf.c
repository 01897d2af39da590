/* Callbacks by function pointer: bpf_for_each_map_elem and bpf_loop. The callbacks are static
 * functions whose address is taken; one of them calls another subprogram.
 *
 * run: each retval=0 elements=4 total=60 loops=10
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 4);
} numbers SEC(".maps");

__u64 elements, total, loops;

static __noinline void add(__u64 n)
{
	total += n;
}

static long visit(void *map, __u32 *key, __u64 *value, void *ctx)
{
	elements++;
	add(*value);
	return 0;
}

static long again(__u32 index, void *ctx)
{
	loops++;
	return 0;
}

SEC("tc")
int each(struct __sk_buff *skb)
{
	for (__u32 i = 0; i < 4; i++) {
		__u32 key = i;
		__u64 v = i * 10;

		bpf_map_update_elem(&numbers, &key, &v, BPF_ANY);
	}
	bpf_for_each_map_elem(&numbers, visit, NULL, 0);
	bpf_loop(10, again, NULL, 0);
	return 0;
}

LICENSE("Dual MIT/GPL");
