/* Strong kfuncs of vmlinux, since Linux 6.2: the kernel's view of a program's context, and a cast
 * whose argument is the ID of a kernel type, a CO-RE relocation.
 *
 * run: look retval=0 same_len=1 same_mark=1
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

extern void *bpf_cast_to_kern_ctx(void *obj) __ksym;
extern void *bpf_rdonly_cast(void *obj, __u32 btf_id) __ksym;

__u64 same_len, same_mark;

SEC("tc")
int look(struct __sk_buff *skb)
{
	struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);
	struct sk_buff *again;

	same_len = kernel_skb->len == skb->len;
	again = bpf_rdonly_cast(kernel_skb, bpf_core_type_id_kernel(struct sk_buff));
	same_mark = again->mark == skb->mark;
	return 0;
}

LICENSE("GPL");
