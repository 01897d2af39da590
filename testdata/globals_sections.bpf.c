/* Variables in custom sections, .data.* and .rodata.*, each of which is a map. Two names are longer
 * than the kernel's 15 bytes and have the same beginning.
 *
 * run: touch retval=0 hot=3 cold=12 plain=1 counted=9 other=15
 */
#include "bpf_test.h"

__u32 hot SEC(".data.hot") = 2;
__u32 cold SEC(".data.cold_and_rarely_used_a") = 11;
__u32 other SEC(".data.cold_and_rarely_used_b") = 13;
const volatile __u32 limit SEC(".rodata.limits") = 5;
const volatile __u32 more SEC(".rodata.more") = 4;
__u32 counted;
__u32 plain;

SEC("tc")
int touch(struct __sk_buff *skb)
{
	hot++;
	cold++;
	other += 2;
	counted = limit + more;
	plain++;
	return 0;
}

LICENSE("Dual MIT/GPL");
