/* Variables without size. One is alone in .rodata, which BTF describes nevertheless: a map with an
 * empty value cannot be created, so there is none. One is among others in .data: the kernel refuses
 * BTF with a data section in which a variable has no size. Debian 12's libbpf refuses the object.
 *
 * run: count retval=0 counted=1 something=8
 */
#include "bpf_test.h"

const volatile __u8 nothing[0];
__u8 nothing_too[0];
__u32 something = 7;
__u32 counted;

SEC("tc")
int count(struct __sk_buff *skb)
{
	counted++;
	something++;
	return 0;
}

LICENSE("Dual MIT/GPL");
