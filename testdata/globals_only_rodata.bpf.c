/* Only a read-only section, and dead code behind a constant: the kernel removes a call of a helper
 * that this program type lacks, because the map is frozen before the program loads.
 *
 * run: choose retval=4
 */
#include "bpf_test.h"

const volatile __u32 enabled = 0;
const volatile __u32 answer = 4;

SEC("xdp")
int choose(struct xdp_md *ctx)
{
	if (enabled)
		return bpf_get_cgroup_classid((void *)ctx);
	return answer;
}

LICENSE("Dual MIT/GPL");
