/* Sends frames back to where they came from, or lets them in. */
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
