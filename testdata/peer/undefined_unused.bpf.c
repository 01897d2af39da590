/* A function that no program calls, and that calls an undefined one.
 *
 * accepts: undefined functions that no program calls
 * as: left out
 */
#include "bpf_test.h"

extern int nowhere_to_be_found(int);

__attribute__((noinline)) int unused(int n)
{
	return nowhere_to_be_found(n);
}

SEC("tc")
int use(struct __sk_buff *skb)
{
	return skb->len;
}

LICENSE("Dual MIT/GPL");
