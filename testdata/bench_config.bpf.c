/* For the bench: global data in many sections, some of it large, and little else. */
#include "bench.h"

struct limits {
	__u64 soft, hard;
	char name[48];
};

const volatile struct limits limits[64] = { { 1, 2, "first" }, [63] = { 3, 4, "last" } };
const volatile __u32 ports[1024] = { 22, 80, 443 };
const volatile _Bool verbose;
struct limits current[32] = { { 5, 6, "now" } };
__u64 counts[4096];
__u64 hot[512] SEC(".data.hot") = { 1 };
__u64 cold[512] SEC(".data.cold") = { 2 };
const volatile __u8 table[8192] SEC(".rodata.table") = { 1, 2, 3 };

SEC("tracepoint/raw_syscalls/sys_enter")
int on_syscall(__u64 *ctx)
{
	__u64 nr = ctx[1];

	counts[nr & 4095]++;
	hot[nr & 511] += limits[nr & 63].soft;
	cold[nr & 511] += ports[nr & 1023];
	if (verbose && table[nr & 8191])
		current[nr & 31].soft++;
	return 0;
}

LICENSE("GPL");
