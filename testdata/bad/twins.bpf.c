/* Two programs of one name, which no single C file can have, but a linked object may.
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
