/* A program array with a static slot that is a subprogram, not a program. */
#include "bpf_test.h"

__noinline int subprogram(struct __sk_buff *skb)
{
	return skb->len;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__uint(max_entries, 2);
	__array(values, int(struct __sk_buff *));
} calls SEC(".maps") = {
	.values = {[1] = &subprogram},
};

SEC("tc")
int use(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &calls, 1);
	return subprogram(skb);
}

LICENSE("Dual MIT/GPL");
