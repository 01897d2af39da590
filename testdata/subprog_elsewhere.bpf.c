/* Functions in sections other than .text: one program that calls another, which is loaded by itself too.
 * libbpf refuses the object; there is no reason to.
 *
 * run: caller retval=12 calls=1
 * run: callee retval=5
 */
#include "bpf_test.h"

__u64 calls;

SEC("tc")
__noinline int callee(struct __sk_buff *skb)
{
	int five = 5;

	asm volatile("" : "+r"(five));
	/* Or the compiler passes no argument. */
	return skb->len ? five : 0;
}

SEC("tc")
int caller(struct __sk_buff *skb)
{
	calls++;
	return callee(skb) + 7;
}

LICENSE("Dual MIT/GPL");
