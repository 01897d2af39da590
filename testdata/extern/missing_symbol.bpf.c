/* A strong symbol without a type that no kernel has: the load fails with ENOENT and names it. */
#include "bpf_test.h"

extern const void bpf2lskel_no_such_symbol __ksym;

__u64 address;

SEC("tc")
int look(struct __sk_buff *skb)
{
	address = (__u64)&bpf2lskel_no_such_symbol;
	return 0;
}

LICENSE("GPL");
