/* Weak kfuncs, each called only if it is found: one introduced by Linux 6.2, one in vmlinux up to
 * 6.4, and one that no kernel has. Dead code elimination removes the calls of missing ones.
 *
 * run: try retval=0 consistent=1 fantasy=0
 */
#include "bpf_test.h"
#include "kernel.h"

extern void *bpf_cast_to_kern_ctx(void *obj) __ksym __weak;
extern int bpf_kfunc_call_test2(struct sock *sk, __u32 a, __u32 b) __ksym __weak;
extern int bpf2lskel_no_such_func(int x) __ksym __weak;

__u64 has_cast, has_test, consistent, fantasy;

SEC("tc")
int try(struct __sk_buff *skb)
{
	consistent = 1;
	if (bpf_cast_to_kern_ctx) {
		struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);

		has_cast = 1;
		consistent = kernel_skb->len == skb->len;
	}
	if (bpf_kfunc_call_test2)
		has_test = 1;
	if (bpf2lskel_no_such_func)
		fantasy = bpf2lskel_no_such_func(1) + 1;
	return 0;
}

LICENSE("GPL");
