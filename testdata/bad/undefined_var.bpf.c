/* A variable that is neither in the object nor in the kernel. */
#include "bpf_test.h"

extern int nowhere_to_be_found;

SEC("tc")
int read(struct __sk_buff *skb)
{
	return nowhere_to_be_found;
}

LICENSE("Dual MIT/GPL");
