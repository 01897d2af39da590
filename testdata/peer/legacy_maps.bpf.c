/* Maps in sections whose names begin with "maps", as defined before BTF.
 *
 * accepts: `SEC("maps")` with `struct bpf_map_def`, and sections whose names begin with `maps`
 * as: ordinary maps; typed with `BPF_ANNOTATE_KV_PAIR`
 */
#include "bpf_test.h"

struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
};

/* With the additional fields of kernels 4.13 to 5.4, all zero. */
struct long_map_def {
	struct bpf_map_def def;
	unsigned int inner_map_idx;
	unsigned int numa_node;
};

struct flow {
	__u32 from, to;
};

struct bpf_map_def SEC("maps") old = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 1,
};

struct long_map_def SEC("maps") flows = {
	.def = {
		.type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(struct flow),
		.value_size = sizeof(__u64),
		.max_entries = 32,
		.map_flags = BPF_F_NO_PREALLOC,
	},
};

/* BPF_ANNOTATE_KV_PAIR from old versions of libbpf. */
struct ____btf_map_flows {
	struct flow key;
	__u64 value;
};
struct ____btf_map_flows __attribute__((section(".maps.flows"), used)) ____btf_map_flows = {};

struct bpf_map_def SEC("maps/events") events = {
	.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
};

/* A map with BTF, beside them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} modern SEC(".maps");

SEC("xdp")
int use(struct xdp_md *ctx)
{
	struct flow flow = {1, 2};
	__u32 key = 0;
	__u64 one = 1;

	bpf_map_update_elem(&flows, &flow, &one, BPF_ANY);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &one, sizeof(one));
	if (!bpf_map_lookup_elem(&modern, &key))
		return XDP_DROP;
	return bpf_map_lookup_elem(&old, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
