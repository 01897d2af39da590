/* A struct_ops with a function that is not a program, but called by one. */
#include "bpf_test.h"

struct some_ops {
	int (*init)(void);
};

__attribute__((noinline)) int helper(void)
{
	return bpf_get_smp_processor_id();
}

SEC("struct_ops/init")
int init(void *ctx)
{
	return helper();
}

SEC(".struct_ops")
struct some_ops ops = { .init = (void *)helper };

LICENSE("GPL");
