/* A strong kernel variable that no kernel has: the load fails with ENOENT and names it. */
#include "bpf_test.h"

extern const int bpf2lskel_no_such_var __ksym;

SEC("tc")
int read(struct __sk_buff *skb)
{
	const int *p = bpf_this_cpu_ptr(&bpf2lskel_no_such_var);

	return *p;
}

LICENSE("GPL");
