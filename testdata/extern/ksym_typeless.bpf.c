/* Symbols without a type: a function's address, strong; another one, used by two programs and a
 * subprogram; and one that depends on the kernel's configuration, weak.
 *
 * run: take retval=0 found=1 same=1 differ=1
 * run: take_too retval=0 same_again=1
 */
#include "bpf_test.h"

extern const void vfs_read __ksym;
extern const void vfs_write __ksym;
extern const void bpf_link_fops __ksym __weak;

__u64 found, same, differ, same_again, kept, has_fops;

static __noinline __u64 address(void)
{
	return (__u64)&vfs_read;
}

SEC("tc")
int take(struct __sk_buff *skb)
{
	kept = (__u64)&vfs_read;
	found = kept != 0;
	same = address() == kept;
	differ = (__u64)&vfs_write != kept;
	has_fops = &bpf_link_fops != NULL;
	return 0;
}

SEC("tc")
int take_too(struct __sk_buff *skb)
{
	same_again = (__u64)&vfs_read == kept && address() == kept;
	return 0;
}

LICENSE("GPL");
