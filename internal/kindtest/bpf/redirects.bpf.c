/* Maps that XDP programs jump and redirect with: program array, devmaps, cpumap, xskmap. */
#include "kinds.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
	__uint(max_entries, 4);
} jumps SEC(".maps");

MAP(BPF_MAP_TYPE_DEVMAP, devs, __u32, struct bpf_devmap_val, 4);
MAP(BPF_MAP_TYPE_DEVMAP_HASH, dev_hash, __u32, struct bpf_devmap_val, 4);
MAP(BPF_MAP_TYPE_CPUMAP, cpus, __u32, struct bpf_cpumap_val, 4);
MAP(BPF_MAP_TYPE_XSKMAP, sockets, __u32, __u32, 4);

__u64 jumped, out, on_this_cpu, ifindex, queue;

SEC("xdp")
int jump(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 2);
	return XDP_DROP;
}

SEC("xdp")
int jump_target(struct xdp_md *ctx)
{
	jumped++;
	return XDP_TX;
}

static void note(struct bpf_devmap_val *dev)
{
	if (dev)
		ifindex = dev->ifindex;
}

SEC("xdp")
int to_dev(struct xdp_md *ctx)
{
	__u32 key = 1;

	note(bpf_map_lookup_elem(&devs, &key));
	return bpf_redirect_map(&devs, key, XDP_DROP);
}

SEC("xdp")
int to_dev_hash(struct xdp_md *ctx)
{
	__u32 key = 1000;

	note(bpf_map_lookup_elem(&dev_hash, &key));
	return bpf_redirect_map(&dev_hash, key, XDP_DROP);
}

/* Runs when the interface that the packet was redirected to sends it. */
SEC("xdp/devmap")
int leave(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&out, 1);
	return XDP_DROP;
}

SEC("xdp")
int to_cpu(struct xdp_md *ctx)
{
	return bpf_redirect_map(&cpus, 0, XDP_DROP);
}

/* Runs on the CPU that the packet was redirected to. */
SEC("xdp/cpumap")
int arrive(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&on_this_cpu, 1);
	return XDP_PASS;
}

SEC("xdp")
int to_socket(struct xdp_md *ctx)
{
	__u32 key = 3;
	struct bpf_xdp_sock *sock = bpf_map_lookup_elem(&sockets, &key);

	if (!sock)
		return XDP_DROP;
	queue = sock->queue_id;
	return bpf_redirect_map(&sockets, key, XDP_DROP);
}
