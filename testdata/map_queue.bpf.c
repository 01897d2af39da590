/* Queue and stack: maps without a key.
 *
 * run: push_pop retval=0 first=1 last=3
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__type(value, __u32);
	__uint(max_entries, 16);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(value_size, 4);
	__uint(max_entries, 16);
} stack SEC(".maps");

__u64 first, last;

SEC("tc")
int push_pop(struct __sk_buff *skb)
{
	__u32 v;

	for (__u32 i = 1; i <= 3; i++) {
		v = i;
		bpf_map_push_elem(&queue, &v, BPF_ANY);
		bpf_map_push_elem(&stack, &v, BPF_ANY);
	}
	if (!bpf_map_pop_elem(&queue, &v))
		first = v;
	if (!bpf_map_pop_elem(&stack, &v))
		last = v;
	return 0;
}

LICENSE("Dual MIT/GPL");
