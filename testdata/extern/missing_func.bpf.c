/* A strong kfunc that no kernel has: the load fails with ENOENT and names it. */
#include "bpf_test.h"

extern int bpf2lskel_no_such_func(int x) __ksym;

SEC("tc")
int call(struct __sk_buff *skb)
{
	return bpf2lskel_no_such_func(1);
}

LICENSE("GPL");
