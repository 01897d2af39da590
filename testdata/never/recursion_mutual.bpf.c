/* Two functions that call each other. */
#include "bpf_test.h"

int pong(int x);

__attribute__((noinline)) int ping(int x)
{
	asm volatile("" : "+r"(x));
	return x ? pong(x - 1) + 1 : 0;
}

__attribute__((noinline)) int pong(int x)
{
	asm volatile("" : "+r"(x));
	return x ? ping(x - 2) + 2 : 0;
}

SEC("tc")
int start(struct __sk_buff *skb)
{
	return ping(skb->len);
}

LICENSE("Dual MIT/GPL");
