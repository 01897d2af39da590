/* A program with more than a million instructions. */
#include "bpf_test.h"

SEC("tc")
int start(struct __sk_buff *skb)
{
	asm volatile(".rept 1000001; r1 = 0; .endr" ::: "r1");
	return 0;
}

LICENSE("Dual MIT/GPL");
