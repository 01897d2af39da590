/* Sections of socket programs: sockops, sk_msg, sk_skb and its attach types, sk_lookup, sk_reuseport and its
 * migrate form.
 */
#include "bpf_test.h"

SEC("sockops")
int ops(struct bpf_sock_ops *ops)
{
	return ops->op == BPF_SOCK_OPS_TCP_CONNECT_CB;
}

SEC("sk_msg")
int msg(struct sk_msg_md *msg)
{
	return SK_PASS;
}

SEC("sk_skb")
int any(struct __sk_buff *skb)
{
	return SK_PASS;
}

SEC("sk_skb/stream_parser")
int parser(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("sk_skb/stream_verdict")
int verdict(struct __sk_buff *skb)
{
	return SK_PASS;
}

SEC("sk_lookup")
int lookup(struct bpf_sk_lookup *ctx)
{
	return ctx->local_port == 1 ? SK_DROP : SK_PASS;
}

SEC("sk_reuseport")
int reuse(struct sk_reuseport_md *md)
{
	return SK_PASS;
}

SEC("sk_reuseport/migrate")
int migrate(struct sk_reuseport_md *md)
{
	return md->migrating_sk ? SK_PASS : SK_DROP;
}

LICENSE("Dual MIT/GPL");
