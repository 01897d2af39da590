/* Several program arrays, of several program types, whose programs have subprograms and are
 * tail-called, and static slots in these and in a map of maps.
 *
 * run: tc_entry retval=2 reached=3
 * run: xdp_entry retval=2 reached=7
 */
#include "bpf_test.h"

int tc_target(struct __sk_buff *skb);
int xdp_target(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__uint(max_entries, 2);
	__array(values, int(void *));
} tc_calls SEC(".maps") = {
	.values = {[1] = (void *)&tc_target},
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 1000);
	__array(values, int(struct xdp_md *));
} xdp_calls SEC(".maps") = {
	.values = {[999] = &xdp_target},
};

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} cell SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 1);
	__array(values, struct inner);
} cells SEC(".maps") = {
	.values = {&cell},
};

__u64 reached;

static __noinline int mark(__u64 bit)
{
	__u32 zero = 0;

	reached |= bit;
	return bpf_map_lookup_elem(&cells, &zero) ? 2 : 1;
}

SEC("tc")
int tc_target(struct __sk_buff *skb)
{
	return mark(2);
}

SEC("xdp")
int xdp_target(struct xdp_md *ctx)
{
	return mark(4);
}

SEC("tc")
int tc_entry(struct __sk_buff *skb)
{
	mark(1);
	bpf_tail_call(skb, &tc_calls, 1);
	return 99;
}

SEC("xdp")
int xdp_entry(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &xdp_calls, 999);
	return 99;
}

LICENSE("Dual MIT/GPL");
