/* Sends frames back to their sender, or lets them pass. */
#include "example.h"

SEC("xdp")
int xdp_prog_tx(void *ctx)
{
	return XDP_TX;
}

SEC("xdp")
int xdp_prog_pass(void *ctx)
{
	return XDP_PASS;
}
