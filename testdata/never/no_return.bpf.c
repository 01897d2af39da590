/* A function that ends without a return, as compilers make of one that is undefined. */
#include "bpf_test.h"

__attribute__((naked)) static __noinline int forgets(void)
{
	asm volatile("r0 = 1");
}

SEC("tc")
int start(struct __sk_buff *skb)
{
	return forgets();
}

LICENSE("Dual MIT/GPL");
