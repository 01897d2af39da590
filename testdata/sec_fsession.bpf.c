/* Sessions of trampoline programs, which require the newest libbpf and kernels. */
#include "bpf_test.h"

SEC("fsession/do_unlinkat")
int session(__u64 *ctx)
{
	return 0;
}

SEC("fsession.s/__x64_sys_nanosleep")
int session_sleepable(__u64 *ctx)
{
	return 0;
}

LICENSE("GPL");
