/* Externs of all kinds in one object, in programs, subprograms and a callback, with maps, globals
 * and CO-RE. All are weak, so the object loads on any kernel.
 *
 * run: all retval=0 ok=1 looped=2
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

extern void *bpf_cast_to_kern_ctx(void *obj) __ksym __weak;
extern __u64 bpf_kmod_add(__u64 a, __u64 b) __ksym __weak;
extern int bpf2lskel_no_such_func(int x) __ksym __weak;
extern const __u64 bpf_kmod_calls __ksym __weak;
extern const void vfs_read __ksym __weak;
extern const void bpf2lskel_no_such_symbol __ksym __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 8);
} results SEC(".maps");

__u64 ok, looped;

static __noinline int in_subprogram(__u64 a)
{
	if (bpf_kmod_add)
		return bpf_kmod_add(a, 1) == a + 1;
	return 1;
}

static long in_callback(__u32 i, void *ctx)
{
	if (bpf_kmod_add)
		looped += bpf_kmod_add(i, 1) > i;
	else
		looped++;
	return &bpf2lskel_no_such_symbol ? 1 : 0;
}

SEC("tc")
int all(struct __sk_buff *skb)
{
	__u32 key = bpf_core_field_exists(((struct task_struct *)0)->pid);
	__u64 value = (__u64)&vfs_read;

	ok = in_subprogram(key);
	if (bpf_cast_to_kern_ctx)
		ok &= ((struct sk_buff *)bpf_cast_to_kern_ctx(skb))->len == skb->len;
	if (bpf2lskel_no_such_func)
		ok = bpf2lskel_no_such_func(0);
	if (&bpf_kmod_calls) {
		const __u64 *calls = bpf_this_cpu_ptr(&bpf_kmod_calls);

		ok &= *calls > 0;
	}
	bpf_map_update_elem(&results, &key, &value, BPF_ANY);
	bpf_loop(2, in_callback, NULL, 0);
	return 0;
}

SEC("xdp")
int other(struct xdp_md *ctx)
{
	return in_subprogram(2) ? XDP_PASS : XDP_DROP;
}

LICENSE("GPL");
