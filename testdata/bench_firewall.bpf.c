/* For the bench: a stateless firewall in XDP and tc: an LPM trie for each direction, a map of maps, tail calls
 * through a program array with static entries, counters; no CO-RE.
 */
#include "bench.h"
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

struct lpm4 {
	__u32 prefixlen;
	__u32 addr;
};

struct rule {
	__u32 action, rule_id;
	__u64 packets, bytes;
};

struct service {
	__u32 addr;
	__u16 port;
	__u8 protocol, pad;
};

#define LPM(name_) \
	struct { \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE); \
		__uint(max_entries, 4096); \
		__uint(map_flags, BPF_F_NO_PREALLOC); \
		__type(key, struct lpm4); \
		__type(value, struct rule); \
	} name_ SEC(".maps")

LPM(sources);
LPM(destinations);
HASH(services, struct service, struct rule, 1024);
PERCPU_ARRAY(totals, struct rule, 16);

struct backends {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} backends_a SEC(".maps"), backends_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct backends);
} pools SEC(".maps") = { .values = { &backends_a, &backends_b } };

int tcp_rules(struct xdp_md *ctx);
int udp_rules(struct xdp_md *ctx);
int other_rules(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, int(struct xdp_md *));
} stages SEC(".maps") = { .values = { (void *)&tcp_rules, (void *)&udp_rules, (void *)&other_rules } };

const volatile _Bool drop_by_default;
const volatile __u16 admin_port = 22;

static __always_inline int count(__u32 index, __u64 bytes, int action)
{
	struct rule *r = bpf_map_lookup_elem(&totals, &index);

	if (r) {
		r->packets++;
		r->bytes += bytes;
	}
	return action;
}

static __always_inline struct iphdr *ip_header(void *data, void *end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > end || eth->h_proto != __builtin_bswap16(ETH_P_IP))
		return NULL;
	return ip;
}

static __always_inline int verdict(struct iphdr *ip, __u16 port, __u64 bytes)
{
	struct lpm4 src = { 32, ip->saddr }, dst = { 32, ip->daddr };
	struct service svc = { ip->daddr, port, ip->protocol };
	struct rule *r;

	r = bpf_map_lookup_elem(&sources, &src);
	if (!r)
		r = bpf_map_lookup_elem(&destinations, &dst);
	if (!r)
		r = bpf_map_lookup_elem(&services, &svc);
	if (!r)
		return drop_by_default ? XDP_DROP : XDP_PASS;
	__sync_fetch_and_add(&r->packets, 1);
	__sync_fetch_and_add(&r->bytes, bytes);
	return r->action ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ip_header(data, end);

	if (!ip)
		return count(0, end - data, XDP_PASS);
	bpf_tail_call(ctx, &stages, ip->protocol == 6 ? 0 : ip->protocol == 17 ? 1 : 2);
	return count(1, end - data, XDP_PASS);
}

SEC("xdp")
int tcp_rules(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ip_header(data, end);
	struct tcphdr *tcp;

	if (!ip)
		return XDP_PASS;
	tcp = (void *)(ip + 1);
	if ((void *)(tcp + 1) > end)
		return XDP_DROP;
	if (tcp->dest == __builtin_bswap16(admin_port))
		return count(2, end - data, XDP_PASS);
	return count(3, end - data, verdict(ip, tcp->dest, end - data));
}

SEC("xdp")
int udp_rules(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ip_header(data, end);
	struct udphdr *udp;

	if (!ip)
		return XDP_PASS;
	udp = (void *)(ip + 1);
	if ((void *)(udp + 1) > end)
		return XDP_DROP;
	return count(4, end - data, verdict(ip, udp->dest, end - data));
}

SEC("xdp")
int other_rules(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = ip_header(data, end);

	return ip ? count(5, end - data, verdict(ip, 0, end - data)) : XDP_PASS;
}

SEC("tc")
int egress(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = ip_header(data, end);
	__u32 pool, index;
	void *inner;

	if (!ip)
		return TC_ACT_OK;
	pool = ip->daddr & 1;
	inner = bpf_map_lookup_elem(&pools, &pool);
	if (inner) {
		index = ip->saddr & 63;
		__u32 *backend = bpf_map_lookup_elem(inner, &index);

		if (backend)
			__sync_fetch_and_add(backend, 1);
	}
	return verdict(ip, 0, skb->len) == XDP_DROP ? TC_ACT_SHOT : TC_ACT_OK;
}

LICENSE("GPL");
