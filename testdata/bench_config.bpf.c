/* For the bench: global data in many sections, some of it large, and little else. */
#include "bench.h"

const volatile __u64 limits[64][8] = { { 1, 2 }, [63] = { 3, 4 } };
const volatile __u32 ports[1024] = { 22, 80, 443 };
const volatile _Bool verbose;
__u64 current[32][8] = { { 5, 6 } };
__u64 counts[4096];
__u64 hot[512] SEC(".data.hot") = { 1 };
__u64 cold[512] SEC(".data.cold") = { 2 };
const volatile __u8 table[8192] SEC(".rodata.table") = { 1, 2, 3 };

SEC("tracepoint/raw_syscalls/sys_enter")
int on_syscall(__u64 *ctx)
{
	__u64 nr = ctx[1];

	counts[nr & 4095]++;
	hot[nr & 511] += limits[nr & 63][0];
	cold[nr & 511] += ports[nr & 1023];
	if (verbose && table[nr & 8191])
		current[nr & 31][0]++;
	return 0;
}

LICENSE("GPL");
