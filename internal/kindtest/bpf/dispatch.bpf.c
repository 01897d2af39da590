/* Programs with functions that other programs replace or trace: see targets.bpf.c. */
#include "kinds.h"

__attribute__((noinline)) int verdict(struct xdp_md *ctx)
{
	return ctx->rx_queue_index == ~0U ? XDP_REDIRECT : XDP_PASS;
}

__attribute__((noinline)) int second(struct xdp_md *ctx)
{
	return ctx->rx_queue_index == ~0U ? XDP_REDIRECT : XDP_ABORTED;
}

static __attribute__((noinline)) int hidden(struct xdp_md *ctx)
{
	return ctx->rx_queue_index == ~0U ? XDP_REDIRECT : XDP_PASS;
}

/* The name is longer than the kernel's copy of it. */
SEC("xdp")
int dispatches_packets(struct xdp_md *ctx)
{
	int ret = verdict(ctx);

	if (ret != XDP_PASS)
		return ret;
	ret = second(ctx);
	if (ret != XDP_ABORTED)
		return ret;
	return hidden(ctx);
}

SEC("xdp")
int another(struct xdp_md *ctx)
{
	return verdict(ctx);
}
