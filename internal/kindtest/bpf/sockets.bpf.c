/* Programs for sockets, and maps that hold sockets. */
#include "kinds.h"

MAP(BPF_MAP_TYPE_SOCKMAP, socks, __u32, __u64, 4);
MAP(BPF_MAP_TYPE_SOCKHASH, named, __u64, __u64, 4);
MAP(BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, group, __u32, __u64, 4);

const volatile __u16 steered_port = 0;

__u64 parsed, echoed, sent, seen;

SEC("sk_skb/stream_parser")
int parse(struct __sk_buff *skb)
{
	parsed += skb->len;
	return skb->len;
}

/* Sends data back through socket 0. */
SEC("sk_skb/stream_verdict")
int echo(struct __sk_buff *skb)
{
	echoed += skb->len;
	return bpf_sk_redirect_map(skb, &socks, 0, 0);
}

SEC("sk_skb/verdict")
int see(struct __sk_buff *skb)
{
	seen += skb->len;
	return SK_PASS;
}

/* Delivers sent data to the socket under key 2, as if that had received it. */
SEC("sk_msg")
int deliver(struct sk_msg_md *msg)
{
	__u64 key = 2;

	sent += msg->size;
	return bpf_msg_redirect_hash(msg, &named, &key, BPF_F_INGRESS);
}

/* Directs connections to this port to socket 1. */
SEC("sk_lookup")
int steer(struct bpf_sk_lookup *ctx)
{
	__u32 one = 1;
	struct bpf_sock *sk;
	long err;

	if (ctx->local_port != steered_port)
		return SK_PASS;
	sk = bpf_map_lookup_elem(&socks, &one);
	if (!sk)
		return SK_DROP;
	err = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return err ? SK_DROP : SK_PASS;
}

/* Dissects each packet as UDP from port 1234. */
SEC("flow_dissector")
int dissect(struct __sk_buff *skb)
{
	struct bpf_flow_keys *keys = skb->flow_keys;

	keys->ip_proto = 17;
	keys->sport = 1234;
	return BPF_OK;
}

/* Keeps the UDP header of each packet and as many bytes after it. */
__u32 keep = 3;

SEC("socket")
int shorten(struct __sk_buff *skb)
{
	return 8 + keep;
}

/* Always selects the second of the sockets that share a port. */
SEC("sk_reuseport")
int choose(struct sk_reuseport_md *md)
{
	__u32 one = 1;

	return bpf_sk_select_reuseport(md, &group, &one, 0) ? SK_DROP : SK_PASS;
}
