/* One kfunc with two flavors, both weak: a prototype that no kernel has, and the kernel's, since
 * Linux 6.2. A plain load finds both, a load that compares prototypes only the second.
 *
 * run: choose retval=0 which=2
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

extern void *bpf_rdonly_cast___wrong(void *obj, __u32 *btf_id) __ksym __weak;
extern void *bpf_rdonly_cast___right(void *obj, __u32 btf_id) __ksym __weak;

__u64 which;

SEC("tc")
int choose(struct __sk_buff *skb)
{
	if (bpf_rdonly_cast___wrong) {
		bpf_rdonly_cast___wrong(skb, (__u32 *)(long)bpf_core_type_id_kernel(struct sk_buff));
		which = 1;
	} else if (bpf_rdonly_cast___right) {
		bpf_rdonly_cast___right(skb, bpf_core_type_id_kernel(struct sk_buff));
		which = 2;
	}
	return 0;
}

LICENSE("GPL");
