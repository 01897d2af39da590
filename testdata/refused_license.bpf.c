/* A helper for programs under GPL in a program that is not: refused. */
#include "bpf_test.h"

SEC("tc")
int print(struct __sk_buff *skb)
{
	bpf_printk("not for everybody");
	return 0;
}

LICENSE("Proprietary");
