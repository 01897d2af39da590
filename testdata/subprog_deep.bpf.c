/* A call chain as deep as the kernel allows (eight frames), and a diamond: two functions that call
 * the same third one, which must be linked only once.
 *
 * run: deep retval=0 depth=7
 * run: diamond retval=0 sum=204
 */
#include "bpf_test.h"

__u64 depth, sum;

#define LEVEL(n, next)                            \
	static __noinline __u64 level_##n(__u64 x) \
	{                                         \
		asm volatile("" : "+r"(x));       \
		return next(x) + 1;               \
	}

static __noinline __u64 level_7(__u64 x)
{
	asm volatile("" : "+r"(x));
	return x + 1;
}
LEVEL(6, level_7)
LEVEL(5, level_6)
LEVEL(4, level_5)
LEVEL(3, level_4)
LEVEL(2, level_3)
LEVEL(1, level_2)

static __noinline __u64 left(__u64 x)
{
	return level_7(x) + level_7(x + 1);
}

static __noinline __u64 right(__u64 x)
{
	return level_7(x);
}

SEC("tc")
int deep(struct __sk_buff *skb)
{
	depth = level_1(0);
	return 0;
}

SEC("tc")
int diamond(struct __sk_buff *skb)
{
	sum = left(50) + right(100);
	return 0;
}

LICENSE("Dual MIT/GPL");
