/* Subprograms that use maps, globals and string literals: relocations in .text, copied to every
 * program that calls the function.
 *
 * run: a retval=0 calls=1 stored=5
 * run: b retval=0 calls=2 stored=6
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 4);
} kept SEC(".maps");

const volatile __u64 bias = 2;
__u64 calls, stored;

static __noinline int note(__u32 key, __u64 value)
{
	__u64 *p;

	calls++;
	value += bias;
	bpf_map_update_elem(&kept, &key, &value, BPF_ANY);
	p = bpf_map_lookup_elem(&kept, &key);
	if (!p) {
		bpf_printk("lost %d", key);
		return 1;
	}
	stored = *p;
	return 0;
}

SEC("tc")
int a(struct __sk_buff *skb)
{
	return note(1, 3);
}

SEC("tc")
int b(struct __sk_buff *skb)
{
	return note(2, 4);
}

LICENSE("GPL");
