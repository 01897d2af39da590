/* No license section at all: the license is the empty string, which is not compatible with GPL.
 *
 * run: drop retval=1
 */
#include "bpf_test.h"

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}
