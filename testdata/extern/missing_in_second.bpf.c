/* Two programs, of which only the second one uses a missing symbol, in a subprogram: when the load
 * fails, the maps and the first program already exist and must be freed.
 */
#include "bpf_test.h"

extern int bpf2lskel_no_such_func(int x) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} a_map SEC(".maps");

__u64 calls;

static __noinline int deep(int x)
{
	calls++;
	return bpf2lskel_no_such_func(x);
}

SEC("tc")
int fine(struct __sk_buff *skb)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&a_map, &key) != NULL;
}

SEC("tc")
int needs(struct __sk_buff *skb)
{
	return deep(skb->len);
}

LICENSE("GPL");
