/* A program that the verifier refuses after 400,000 instructions. Its log has more than 100 MB:
 * after each copy of a register the verifier prints the ranges of both.
 */
#include "bpf_test.h"

SEC("tc")
int turns(struct __sk_buff *skb)
{
	asm volatile("r2 = *(u32 *)(%[skb] + 0);"
		     "r2 <<= 5;"
		     "r2 += -1000;"
		     "r1 = 0;"
		     "again:"
		     "r3 = r2;"
		     "r4 = r3;"
		     "r5 = r4;"
		     "r3 = r5;"
		     "r4 = r3;"
		     "r5 = r4;"
		     "r3 = r5;"
		     "r4 = r3;"
		     "r1 += 1;"
		     "if r1 < 40000 goto again;"
		     "r0 = *(u64 *)(r2 + 0);"
		     :
		     : [skb] "r"(skb)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
	return 0;
}

LICENSE("GPL");
