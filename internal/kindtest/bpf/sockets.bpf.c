/* Programs that work for sockets, and the maps that hold sockets. */
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

/* Sends back through socket 0 what arrives. */
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

/* Delivers what is sent to the socket under key 2, as if it had arrived there. */
SEC("sk_msg")
int deliver(struct sk_msg_md *msg)
{
	__u64 key = 2;

	sent += msg->size;
	return bpf_msg_redirect_hash(msg, &named, &key, BPF_F_INGRESS);
}

/* Whoever connects to that port gets to socket 1. */
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

/* Whatever the packet is: UDP from port 1234. */
SEC("flow_dissector")
int dissect(struct __sk_buff *skb)
{
	struct bpf_flow_keys *keys = skb->flow_keys;

	keys->ip_proto = 17;
	keys->sport = 1234;
	return BPF_OK;
}

/* Of each packet, the UDP header and that much more. */
__u32 keep = 3;

SEC("socket")
int shorten(struct __sk_buff *skb)
{
	return 8 + keep;
}

/* Always the second of those that share a port. */
SEC("sk_reuseport")
int choose(struct sk_reuseport_md *md)
{
	__u32 one = 1;

	return bpf_sk_select_reuseport(md, &group, &one, 0) ? SK_DROP : SK_PASS;
}
