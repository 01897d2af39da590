/* A global variable of an arena, and no arena. */
#include "bpf_test.h"

__u32 SEC(".addr_space.1") counter = 5;

SEC("syscall")
int read(void *ctx)
{
	return &counter != NULL;
}

LICENSE("GPL");
