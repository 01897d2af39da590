//go:build ignore

// SPDX-License-Identifier: MIT
//
// Looks up the flow of each packet that an interface receives in the kernel's connection tracker
// (module nf_conntrack).

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// Provided by nf_conntrack. The loader resolves the functions in the module's BTF, and CO-RE
// relocates the field.
struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

struct bpf_ct_opts___here {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *ctx, struct bpf_sock_tuple *tuple, __u32 tuple_size,
					 struct bpf_ct_opts___here *opts, __u32 opts_size) __ksym;
extern void bpf_ct_release(struct nf_conn *ct) __ksym;

// Provided by the module in kmod/, if it is loaded.
extern __u64 bpf_kmod_add(__u64 a, __u64 b) __ksym __weak;

struct flow {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u8 protocol;
	__u8 pad[3];
};

struct verdict {
	__u64 packets;
	__u64 tracked; // packets whose flow the tracker knew
	__u64 status;  // enum ip_conntrack_status
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct flow);
	__type(value, struct verdict);
	__uint(max_entries, 4096);
} flows SEC(".maps");

__u64 total_bytes = 0;
__u64 added_by_module = 0;

// parse reads the addresses and ports of a TCP or UDP packet. It returns 0 for other packets.
static int parse(struct xdp_md *ctx, struct flow *flow)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__be16 *ports;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;
	if (ip->ihl != 5 || (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP))
		return 0;
	ports = (void *)(ip + 1);
	if ((void *)(ports + 2) > end)
		return 0;
	flow->saddr = ip->saddr;
	flow->daddr = ip->daddr;
	flow->sport = ports[0];
	flow->dport = ports[1];
	flow->protocol = ip->protocol;
	return 1;
}

// ask looks the flow up in the connection tracker.
static void ask(struct xdp_md *ctx, const struct flow *flow, struct verdict *v)
{
	struct bpf_sock_tuple tuple = {
		.ipv4 = {.saddr = flow->saddr, .daddr = flow->daddr, .sport = flow->sport, .dport = flow->dport},
	};
	struct bpf_ct_opts___here opts = {.netns_id = -1, .l4proto = flow->protocol};
	struct nf_conn *ct;

	ct = bpf_xdp_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (!ct)
		return;
	v->status = ct->status;
	bpf_ct_release(ct);
	__sync_fetch_and_add(&v->tracked, 1);
}

SEC("xdp")
int track(struct xdp_md *ctx)
{
	__u64 bytes = ctx->data_end - ctx->data;
	struct verdict *v, first = {};
	struct flow flow = {};

	if (bpf_kmod_add) {
		total_bytes = bpf_kmod_add(total_bytes, bytes);
		added_by_module++;
	} else {
		total_bytes += bytes;
	}
	if (!parse(ctx, &flow))
		return XDP_PASS;
	v = bpf_map_lookup_elem(&flows, &flow);
	if (!v) {
		bpf_map_update_elem(&flows, &flow, &first, BPF_NOEXIST);
		v = bpf_map_lookup_elem(&flows, &flow);
		if (!v)
			return XDP_PASS;
	}
	__sync_fetch_and_add(&v->packets, 1);
	ask(ctx, &flow, v);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
