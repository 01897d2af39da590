/* An extension of a function in another program: loads only once its target program is set. */
#include "bpf_test.h"

SEC("freplace/pass")
int replacement(struct xdp_md *ctx)
{
	return XDP_DROP;
}

LICENSE("GPL");
