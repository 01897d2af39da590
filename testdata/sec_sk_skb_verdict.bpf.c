/* The newest attach type of sk_skb programs, which Debian 12's libbpf does not know as a section. */
#include "bpf_test.h"

SEC("sk_skb/verdict")
int verdict(struct __sk_buff *skb)
{
	return SK_PASS;
}

LICENSE("Dual MIT/GPL");
