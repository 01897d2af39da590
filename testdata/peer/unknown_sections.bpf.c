/* Programs in unknown sections: one with a leading '?', whose object libbpf loads without it, and
 * one without, whose object only cilium/ebpf loads.
 *
 * accepts: unknown sections, such as `cgroup/connect` or `?foo/bar`
 * as: programs that are not loaded, with a warning unless there is a `?`
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
