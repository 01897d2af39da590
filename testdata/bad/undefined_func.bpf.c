/* A call of a function that is neither in the object nor in the kernel. */
#include "bpf_test.h"

extern int nowhere_to_be_found(int x);

SEC("tc")
int call(struct __sk_buff *skb)
{
	return nowhere_to_be_found(1);
}

LICENSE("Dual MIT/GPL");
