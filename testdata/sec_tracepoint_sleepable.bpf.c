/* Sections of sleepable tracepoint programs, which require the newest libbpf and kernels. */
#include "bpf_test.h"

SEC("tracepoint.s/syscalls/sys_enter_nanosleep")
int sleeping(void *ctx)
{
	return 0;
}

SEC("tp.s/syscalls/sys_enter_nanosleep")
int sleeping_short(void *ctx)
{
	return 0;
}

SEC("raw_tracepoint.s/sys_enter")
int sleeping_raw(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("raw_tp.s/sys_enter")
int sleeping_raw_short(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("tp_btf.s/sys_enter")
int sleeping_btf(__u64 *ctx)
{
	return 0;
}

LICENSE("GPL");
