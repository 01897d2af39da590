/* A kfunc of the project's own module, weak: one program that runs with and without the module.
 *
 * run: add retval=0 ok=1
 */
#include "bpf_test.h"

extern __u64 bpf_kmod_add(__u64 a, __u64 b) __ksym __weak;

__u64 has_module, sum, ok;

SEC("tc")
int add(struct __sk_buff *skb)
{
	if (bpf_kmod_add) {
		has_module = 1;
		sum = bpf_kmod_add(40, 2);
	}
	ok = sum == has_module * 42;
	return 0;
}

LICENSE("GPL");
