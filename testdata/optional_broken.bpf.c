/* A "?" program that the verifier refuses, and that uses a map and a subprogram: the rest of the
 * object loads, and the program's map is created.
 *
 * run: fine retval=2
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} used_by_broken SEC(".maps");

static __noinline __u64 read(void *p)
{
	return *(__u64 *)p;
}

SEC("?xdp")
int broken(struct xdp_md *ctx)
{
	__u32 key = 0;

	/* No check for NULL: no verifier accepts this. */
	return read(bpf_map_lookup_elem(&used_by_broken, &key));
}

SEC("xdp")
int fine(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
