/* No BTF: legacy maps, and variables without types.
 *
 * objcopy: --remove-section=.BTF --remove-section=.BTF.ext --remove-section=.rel.BTF --remove-section=.rel.BTF.ext
 * accepts: objects without BTF
 * as: keys, values and variables as bytes
 */
#include "bpf_test.h"

struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
};

struct bpf_map_def SEC("maps") counts = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 16,
	.map_flags = BPF_F_NO_PREALLOC,
};

const volatile __u32 step = 3;
__u64 total;

static __attribute__((noinline)) int add(int n)
{
	total += n;
	return total & 1;
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 key = 7;
	__u64 one = step;

	bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	return add(step) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
