/* Subprograms: static, global and weak functions in .text, shared by several programs, one called
 * from another, and one not called at all.
 *
 * run: use_all retval=0 got=134
 * run: use_some retval=0 got=11
 */
#include "bpf_test.h"

__u64 got;

static __noinline __u64 plus_one(__u64 x)
{
	asm volatile("" : "+r"(x));
	return x + 1;
}

__noinline int times_ten(int x)
{
	asm volatile("" : "+r"(x));
	return x * 10;
}

__weak __noinline int weak_add(int x)
{
	asm volatile("" : "+r"(x));
	return plus_one(x) + 2;
}

__noinline int unused(int x)
{
	asm volatile("" : "+r"(x));
	return times_ten(x);
}

SEC("tc")
int use_all(struct __sk_buff *skb)
{
	got = times_ten(12) + plus_one(10) + weak_add(0);
	return 0;
}

SEC("tc")
int use_some(struct __sk_buff *skb)
{
	got = plus_one(10);
	return 0;
}

SEC("xdp")
int use_other_type(struct xdp_md *ctx)
{
	return plus_one(1) == 2 ? XDP_PASS : XDP_ABORTED;
}

SEC("tc")
int use_none(struct __sk_buff *skb)
{
	return 0;
}

LICENSE("Dual MIT/GPL");
