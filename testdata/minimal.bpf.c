/* The smallest object there is: one program, no map, no global, no subprogram.
 *
 * run: pass retval=2
 */
#include "bpf_test.h"

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
