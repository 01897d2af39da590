/* A function without a return at its end, as compilers generate for undefined behaviour. */
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
