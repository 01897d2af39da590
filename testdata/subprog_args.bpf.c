/* Subprograms with various arguments: a global function with a pointer that may be null, one with
 * the context, and static ones that call each other.
 *
 * run: main_prog retval=31 sum=30
 */
#include "bpf_test.h"

__u64 sum;

__noinline int with_context(struct __sk_buff *skb)
{
	return skb->len > 0;
}

__noinline int with_pointer(__u64 *p)
{
	return p ? *p : 0;
}

static __noinline int helper_a(int x)
{
	asm volatile("" : "+r"(x));
	return x * 2;
}

static __noinline int helper_b(int x)
{
	asm volatile("" : "+r"(x));
	return helper_a(x) + helper_a(x);
}

SEC("tc")
int main_prog(struct __sk_buff *skb)
{
	__u64 ten = 10;

	sum = helper_b(5) + with_pointer(&ten);
	return sum + with_context(skb);
}

LICENSE("Dual MIT/GPL");
