/* A program array with static slots, one of them set twice, with a hole: tail calls work right
 * after the load. libbpf's light skeleton does not support these.
 *
 * run: entry retval=30 trace=321
 */
#include "bpf_test.h"

int first(struct __sk_buff *skb);
int second(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(max_entries, 6);
	__array(values, int(struct __sk_buff *));
} jumps SEC(".maps") = {
	.values = {[1] = &first, [4] = &second, [5] = &second},
};

__u64 trace;

SEC("tc")
int first(struct __sk_buff *skb)
{
	trace += 20;
	bpf_tail_call(skb, &jumps, 4);
	return 20;
}

SEC("tc")
int second(struct __sk_buff *skb)
{
	trace += 300;
	bpf_tail_call(skb, &jumps, 0);
	return 30;
}

SEC("tc")
int entry(struct __sk_buff *skb)
{
	trace += 1;
	bpf_tail_call(skb, &jumps, 1);
	return 10;
}

LICENSE("Dual MIT/GPL");
