/* A global function that fails separate verification: refused, although all callers are fine. */
#include "bpf_test.h"

__noinline int deref(__u64 *p)
{
	return *p;
}

SEC("tc")
int call(struct __sk_buff *skb)
{
	__u64 x = 1;

	return deref(&x);
}

LICENSE("Dual MIT/GPL");
