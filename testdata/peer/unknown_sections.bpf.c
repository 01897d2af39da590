/* Programs whose sections' names do not say what they are: one with '?' in front, which libbpf loads the rest of, and
 * one without, which only cilium/ebpf does.
 *
 * accepts: sections whose names say nothing, `cgroup/connect` or `?foo/bar`
 * as: programs that are not loaded, which a warning says where there is no `?`
 */
#include "bpf_test.h"

SEC("?foo/bar")
int optional(void *ctx)
{
	return 0;
}

SEC("cgroup/connect")
int mistaken(void *ctx)
{
	return 1;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("GPL");
