/* Several programs in one section, programs of different types, and some that are only loaded on
 * request ("?" before the section's name).
 *
 * run: one retval=1
 * run: two retval=2
 * run: three retval=3
 * run: four retval=4
 */
#include "bpf_test.h"

SEC("xdp")
int one(struct xdp_md *ctx)
{
	return 1;
}

SEC("xdp")
int two(struct xdp_md *ctx)
{
	return 2;
}

SEC("tc")
int three(struct __sk_buff *skb)
{
	return 3;
}

SEC("xdp")
int four(struct xdp_md *ctx)
{
	return 4;
}

SEC("?xdp")
int on_demand(struct xdp_md *ctx)
{
	return 5;
}

SEC("?tc")
int on_demand_tc(struct __sk_buff *skb)
{
	return 6;
}

LICENSE("Dual MIT/GPL");
