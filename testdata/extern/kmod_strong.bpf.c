/* A kfunc of the project's own module, strong, from tc, XDP and syscall programs, and two kfuncs in one program.
 * Without the module the load fails with ENOENT.
 *
 * run: add_tc retval=0 sum=42
 * run: add_xdp retval=2 sum=9
 * run: add_syscall retval=0 sum=30 clamped=10
 */
#include "bpf_test.h"

extern __u64 bpf_kmod_add(__u64 a, __u64 b) __ksym;
extern __s64 bpf_kmod_clamp(__s64 v, __s64 lo, __s64 hi) __ksym;

__u64 sum, clamped;

SEC("tc")
int add_tc(struct __sk_buff *skb)
{
	sum = bpf_kmod_add(40, 2);
	return 0;
}

SEC("xdp")
int add_xdp(struct xdp_md *ctx)
{
	sum = bpf_kmod_add(4, 5);
	return XDP_PASS;
}

SEC("syscall")
int add_syscall(void *ctx)
{
	sum = bpf_kmod_add(10, bpf_kmod_add(10, 10));
	clamped = bpf_kmod_clamp(99, -10, 10);
	return 0;
}

LICENSE("GPL");
