/* Two programs with the same name, which a single C file cannot have, but a linked object may.
 *
 * objcopy: --redefine-sym second=first
 */
#include "bpf_test.h"

SEC("xdp")
int first(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc")
int second(struct __sk_buff *skb)
{
	return 0;
}

LICENSE("Dual MIT/GPL");
