/* A static function in a program's section, which the compiler was told to keep. */
#include "bpf_test.h"

SEC("xdp")
static __attribute__((used)) int hidden(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int fine(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
