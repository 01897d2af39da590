/* A weak kfunc that no kernel has, called without a check for it: refused. */
#include "bpf_test.h"

extern int bpf_no_such_kfunc(int) __ksym __weak;

SEC("tc")
int prog(struct __sk_buff *ctx)
{
	return bpf_no_such_kfunc(1);
}

LICENSE("GPL");
