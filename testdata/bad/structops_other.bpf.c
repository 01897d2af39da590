/* A struct_ops with a function that is a program of another type. */
#include "bpf_test.h"

struct some_ops {
	int (*init)(void);
};

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC(".struct_ops")
struct some_ops ops = { .init = (void *)drop };

LICENSE("GPL");
