/* Functions in sections other than .text: a program that calls another one, which is also loaded by
 * itself. libbpf refuses the object without a technical reason.
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
	/* Otherwise the compiler passes no argument. */
	return skb->len ? five : 0;
}

SEC("tc")
int caller(struct __sk_buff *skb)
{
	calls++;
	return callee(skb) + 7;
}

LICENSE("Dual MIT/GPL");
