/* Reports round-trip times of a cgroup's TCP connections, and which of them are established. */
#include "example.h"

#define TCP_ESTABLISHED 1

/* All in native byte order. */
struct sk_key {
	__u32 local_ip4;
	__u32 remote_ip4;
	__u32 local_port;
	__u32 remote_port;
};

struct sk_info {
	struct sk_key sk_key;
	__u8 sk_type; /* 0: active, 1: passive */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65535);
	__type(key, struct sk_key);
	__type(value, struct sk_info);
} map_estab_sk SEC(".maps");

struct rtt_event {
	__u16 sport;
	__u16 dport;
	__u32 saddr;
	__u32 daddr;
	__u32 srtt; /* ms */
};

RING(rtt_events, struct rtt_event);

static __always_inline struct sk_key key_of(struct bpf_sock_ops *ops)
{
	return (struct sk_key){ bpf_ntohl(ops->local_ip4), bpf_ntohl(ops->remote_ip4), ops->local_port,
				bpf_ntohl(ops->remote_port) };
}

static __always_inline void report(struct bpf_sock_ops *ops, const struct sk_info *info)
{
	const struct sk_key *k = &info->sk_key;
	struct rtt_event *e = bpf_ringbuf_reserve(&rtt_events, sizeof(*e), 0);

	if (!e)
		return;
	*e = info->sk_type ? (struct rtt_event){ k->remote_port, k->local_port, k->remote_ip4, k->local_ip4 } :
			     (struct rtt_event){ k->local_port, k->remote_port, k->local_ip4, k->remote_ip4 };
	e->srtt = (ops->srtt_us >> 3) / 1000;
	bpf_ringbuf_submit(e, 0);
}

SEC("sockops")
int bpf_sockops_cb(struct bpf_sock_ops *ops)
{
	struct sk_key key = key_of(ops);
	struct sk_info info = { .sk_key = key }, *known;

	switch (ops->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		info.sk_type = 1;
		/* fallthrough */
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if (ops->family == AF_INET && !bpf_map_update_elem(&map_estab_sk, &key, &info, BPF_NOEXIST))
			bpf_sock_ops_cb_flags_set(ops, BPF_SOCK_OPS_RTT_CB_FLAG | BPF_SOCK_OPS_STATE_CB_FLAG);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		known = bpf_map_lookup_elem(&map_estab_sk, &key);
		if (known)
			report(ops, known);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ops->args[0] == TCP_ESTABLISHED)
			bpf_map_delete_elem(&map_estab_sk, &key);
		break;
	}
	return 0;
}
