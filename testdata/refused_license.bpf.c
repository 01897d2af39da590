/* A helper for GPL programs in a program with another license: refused. */
#include "bpf_test.h"

SEC("tc")
int print(struct __sk_buff *skb)
{
	bpf_printk("not for everybody");
	return 0;
}

LICENSE("Proprietary");
