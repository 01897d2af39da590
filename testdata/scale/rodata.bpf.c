/* Three megabytes of read-only data. */
#include "bpf_test.h"

const volatile __u8 table[3 << 20] = { 1, [(3 << 20) - 1] = 2 };
__u64 sum;

SEC("tracepoint/raw_syscalls/sys_enter")
int look(__u64 *ctx)
{
	sum += table[ctx[1] & 0xfffff];
	return 0;
}

LICENSE("GPL");
