/* A .rodata section of size zero, which BTF describes nevertheless: a map with a value of no bytes cannot
 * be created, so there is none. Debian 12's libbpf refuses the object.
 *
 * run: count retval=0 counted=1
 */
#include "bpf_test.h"

const volatile __u8 nothing[0];
__u32 counted;

SEC("tc")
int count(struct __sk_buff *skb)
{
	counted++;
	return 0;
}

LICENSE("Dual MIT/GPL");
