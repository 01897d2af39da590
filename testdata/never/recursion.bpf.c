/* A function that calls itself. */
#include "bpf_test.h"

static __noinline int around(int x)
{
	int below;

	if (x <= 0)
		return 0;
	below = around(x - 1);
	/* Prevents the compiler from turning this into a loop. */
	asm volatile("" : "+r"(below));
	return below + 1;
}

SEC("tc")
int start(struct __sk_buff *skb)
{
	return around(skb->len);
}

LICENSE("Dual MIT/GPL");
