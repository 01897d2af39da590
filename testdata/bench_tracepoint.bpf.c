/* For the bench: the smallest useful object, a tracepoint program that counts in a global variable. */
#include "bpf_test.h"

__u64 calls;

SEC("tracepoint/syscalls/sys_enter_execve")
int count_exec(void *ctx)
{
	__sync_fetch_and_add(&calls, 1);
	return 0;
}

LICENSE("GPL");
