/* A per-CPU variable of the project's own module, weak: it counts calls of the
 * module's kfuncs.
 *
 * run: count retval=0 ok=1
 */
#include "bpf_test.h"

extern const __u64 bpf_kmod_calls __ksym __weak;
extern __u64 bpf_kmod_add(__u64 a, __u64 b) __ksym __weak;

__u64 has_module, before, after, ok;

SEC("tc")
int count(struct __sk_buff *skb)
{
	if (&bpf_kmod_calls && bpf_kmod_add) {
		const __u64 *calls = bpf_this_cpu_ptr(&bpf_kmod_calls);

		has_module = 1;
		before = *calls;
		bpf_kmod_add(1, 2);
		after = *calls;
	}
	ok = after >= before + has_module;
	return 0;
}

LICENSE("GPL");
