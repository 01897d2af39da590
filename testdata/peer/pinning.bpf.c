/* A number for pinning that libbpf does not know: a private one of Cilium's.
 *
 * accepts: `__uint(pinning, 100)`, any number
 * as: `MapSpec.Pinning`; values above 1 have no effect
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
	__uint(pinning, 100);
} mine SEC(".maps");

SEC("xdp")
int use(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&mine, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
