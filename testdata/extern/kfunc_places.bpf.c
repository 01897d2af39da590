/* A kfunc called in five places in three programs, one of them in a subprogram that two programs
 * share. The loader looks it up once, and all places get the same result. Since Linux 6.2.
 *
 * run: first retval=0 sum=3
 * run: second retval=0 sum=5
 * run: third retval=0 sum=7
 */
#include "bpf_test.h"
#include "kernel.h"

extern void *bpf_cast_to_kern_ctx(void *obj) __ksym;

__u64 sum;

static __noinline int check(struct __sk_buff *skb)
{
	struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);

	return kernel_skb->len == skb->len;
}

#define CHECK_HERE(skb) (((struct sk_buff *)bpf_cast_to_kern_ctx(skb))->len == (skb)->len)

SEC("tc")
int first(struct __sk_buff *skb)
{
	sum += CHECK_HERE(skb);
	sum += CHECK_HERE(skb);
	sum += check(skb);
	return 0;
}

SEC("tc")
int second(struct __sk_buff *skb)
{
	sum += CHECK_HERE(skb);
	sum += check(skb);
	return 0;
}

SEC("tc")
int third(struct __sk_buff *skb)
{
	sum += CHECK_HERE(skb);
	sum += 1;
	return 0;
}

LICENSE("GPL");
