/* Nine functions, each of which calls the next. */
#include "bpf_test.h"

#define CALLS(name, next)                       \
	__attribute__((noinline)) int name(int x) \
	{                                       \
		asm volatile("" : "+r"(x));     \
		return next(x) + 1;             \
	}

static __noinline int eighth(int x)
{
	asm volatile("" : "+r"(x));
	return x;
}

CALLS(seventh, eighth)
CALLS(sixth, seventh)
CALLS(fifth, sixth)
CALLS(fourth, fifth)
CALLS(third, fourth)
CALLS(second, third)
CALLS(first, second)

SEC("tc")
int start(struct __sk_buff *skb)
{
	return first(skb->len);
}

LICENSE("Dual MIT/GPL");
