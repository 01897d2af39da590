/* .data, .bss and .rodata with integers of all sizes, a struct and an array; .rodata is frozen.
 *
 * run: sum retval=0 total=1111111132 calls=1 small=7 last=5
 * run: sum retval=0 total=1111111135 calls=2 small=8 last=5
 */
#include "bpf_test.h"

struct pair {
	__u8 first;
	__u64 second;
};

const volatile __u32 step = 10;
const volatile struct pair bounds = {1, 1000000000};
const volatile __s16 offset = -10;

__u64 base = 111111111;
__u16 small = 6;
struct pair seen = {2, 3};
__u32 list[4] = {1, 2, 3, 5};

__u64 total;
__u32 calls;
__u32 last;

SEC("tc")
int sum(struct __sk_buff *skb)
{
	calls++;
	small++;
	last = list[3];
	seen.second++;
	total = base + bounds.second + step + offset + bounds.first + list[0] + list[1] + list[2] +
		seen.first + seen.second + calls + small;
	return 0;
}

LICENSE("Dual MIT/GPL");
