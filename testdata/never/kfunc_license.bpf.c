/* A kernel function, and a license that is not compatible with the GPL. */
#include "bpf_test.h"

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

SEC("tc")
int start(struct __sk_buff *skb)
{
	return bpf_rdonly_cast(skb, 0) != 0;
}

LICENSE("Proprietary");
