/* An extension of a function in another program: it cannot load until it is told which program that is. */
#include "bpf_test.h"

SEC("freplace/pass")
int replacement(struct xdp_md *ctx)
{
	return XDP_DROP;
}

LICENSE("GPL");
