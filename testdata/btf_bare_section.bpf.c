/* An executable section whose name is not a C name, a variable in a section that is not a data
 * section (ignored), and an object without any .maps or data.
 *
 * run: pass retval=2
 */
#include "bpf_test.h"

__u32 marker SEC("xdp_metadata") = 1;

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
