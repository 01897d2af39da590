/* A kfunc of vmlinux whose second argument is a pointer here and a number in the kernel, since
 * Linux 6.2. The verifier only sees the register, which has a constant, so a plain load accepts it.
 *
 * run: look retval=0 called=1
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

extern void *bpf_rdonly_cast(void *obj, __u32 *btf_id) __ksym;

__u64 called;

SEC("tc")
int look(struct __sk_buff *skb)
{
	bpf_rdonly_cast(skb, (__u32 *)(long)bpf_core_type_id_kernel(struct sk_buff));
	called = 1;
	return 0;
}

LICENSE("GPL");
