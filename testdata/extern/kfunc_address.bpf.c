/* The address of a kfunc that is also called, and of one that is not. Since Linux 6.2.
 *
 * run: take retval=0 both=1 differ=1 called=1
 */
#include "bpf_test.h"
#include "kernel.h"

extern void *bpf_cast_to_kern_ctx(void *obj) __ksym;
extern void *bpf_rdonly_cast(void *obj, __u32 btf_id) __ksym;

__u64 both, differ, called;

SEC("tc")
int take(struct __sk_buff *skb)
{
	__u64 a = (__u64)bpf_cast_to_kern_ctx, b = (__u64)bpf_rdonly_cast;

	both = a && b;
	differ = a != b;
	called = ((struct sk_buff *)bpf_cast_to_kern_ctx(skb))->len == skb->len;
	return 0;
}

LICENSE("GPL");
