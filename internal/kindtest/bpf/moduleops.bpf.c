/* A struct_ops of the kernel module in internal/vmtest/opskmod. */
#include "kinds.h"

__u32 computed;

struct bpf2lskel_ops___here {
	int (*compute)(int a, int b);
	char name[16];
	__u64 factor;
};

SEC("struct_ops/compute")
int add(unsigned long long *ctx)
{
	computed++;
	return (int)ctx[0] + (int)ctx[1];
}

SEC(".struct_ops.link")
struct bpf2lskel_ops___here adder = {
	.compute = (void *)add,
	.name = "adder",
	.factor = 10,
};
