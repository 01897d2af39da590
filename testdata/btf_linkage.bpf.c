/* Function linkage in BTF: hidden global functions become static (so the verifier checks them with
 * each caller), global ones are verified separately, weak ones are global.
 *
 * run: call retval=0 got=9
 */
#include "bpf_test.h"

__u64 got;

/* Must not be verified separately: it would read through an unknown pointer. */
__hidden __noinline __u64 hidden_read(__u64 *p)
{
	return *p;
}

__noinline int global_square(int x)
{
	asm volatile("" : "+r"(x));
	return x * x;
}

__weak __hidden __noinline __u64 weak_hidden(__u64 *p)
{
	return *p + 1;
}

SEC("tc")
int call(struct __sk_buff *skb)
{
	__u64 four = 4;

	got = hidden_read(&four) + global_square(0) + weak_hidden(&four);
	return 0;
}

LICENSE("Dual MIT/GPL");
