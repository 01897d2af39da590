/* A program array without static slots, and tail calls that find nothing. All loaders support it.
 *
 * run: entry retval=7
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 8);
} jumps SEC(".maps");

SEC("tc")
int entry(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jumps, 3);
	return 7;
}

LICENSE("Dual MIT/GPL");
