/* One long program: some four thousand instructions, each with line info.
 *
 * run: work retval=0 result=900
 */
#include "bpf_test.h"

__u64 result;
__u64 grid[900];

#define LINE(i) grid[i]++; asm volatile("" ::: "memory");
#define TENS(M, t) M(t##0) M(t##1) M(t##2) M(t##3) M(t##4) M(t##5) M(t##6) M(t##7) M(t##8) M(t##9)
#define HUNDRED(M, h)                                                                    \
	TENS(M, h##0) TENS(M, h##1) TENS(M, h##2) TENS(M, h##3) TENS(M, h##4) TENS(M, h##5) \
	TENS(M, h##6) TENS(M, h##7) TENS(M, h##8) TENS(M, h##9)

SEC("tc")
int work(struct __sk_buff *skb)
{
	TENS(LINE, ) TENS(LINE, 1) TENS(LINE, 2) TENS(LINE, 3) TENS(LINE, 4) TENS(LINE, 5) TENS(LINE, 6)
	TENS(LINE, 7) TENS(LINE, 8) TENS(LINE, 9)
	HUNDRED(LINE, 1)
	HUNDRED(LINE, 2)
	HUNDRED(LINE, 3)
	HUNDRED(LINE, 4)
	HUNDRED(LINE, 5)
	HUNDRED(LINE, 6)
	HUNDRED(LINE, 7)
	HUNDRED(LINE, 8)
	for (int i = 0; i < 900; i++)
		result += grid[i];
	return 0;
}

LICENSE("Dual MIT/GPL");
