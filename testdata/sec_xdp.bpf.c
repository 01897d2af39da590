/* All sections of XDP programs: plain, for a devmap or cpumap, and with multi-buffer support (".frags").
 *
 * run: plain retval=2
 * run: frags retval=1
 */
#include "bpf_test.h"

SEC("xdp")
int plain(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags")
int frags(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp/devmap")
int on_device(struct xdp_md *ctx)
{
	return ctx->egress_ifindex ? XDP_PASS : XDP_DROP;
}

SEC("xdp/cpumap")
int on_cpu(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags/devmap")
int frags_on_device(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags/cpumap")
int frags_on_cpu(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
