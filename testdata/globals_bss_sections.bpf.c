/* Separate zero sections, .bss.*. Debian 12's libbpf is too old for them.
 *
 * run: count retval=0 counted=1 tenth=10 plain=1
 */
#include "bpf_test.h"

__u32 counted SEC(".bss.counters");
__u64 tenth SEC(".bss.tenths");
__u32 plain;

SEC("tc")
int count(struct __sk_buff *skb)
{
	counted++;
	tenth += 10;
	plain++;
	return 0;
}

LICENSE("Dual MIT/GPL");
