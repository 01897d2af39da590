/* Programs for network interfaces, and programs for routes and tc actions, which are only test run. */
#include "kinds.h"

#define TCX_NEXT -1

__u64 packets, bytes;

/* The order in which the programs run. */
__u32 order, first_at, second_at;

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&packets, 1);
	__sync_fetch_and_add(&bytes, ctx->data_end - ctx->data);
	return XDP_PASS;
}

SEC("tc")
int first(struct __sk_buff *skb)
{
	first_at = ++order;
	return TCX_NEXT;
}

SEC("tc")
int second(struct __sk_buff *skb)
{
	second_at = ++order;
	return TCX_NEXT;
}

/* Marks a packet with its length and swaps two bytes. */
SEC("tc")
int change(struct __sk_buff *skb)
{
	unsigned char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	unsigned char b;

	skb->mark += skb->len;
	if (data + 14 > end)
		return 2; /* TC_ACT_SHOT */
	b = data[0];
	data[0] = data[13];
	data[13] = b;
	return 0;
}

SEC("xdp")
int turn(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_DROP;
	data[13] = data[0];
	return bpf_xdp_adjust_head(ctx, 2) ? XDP_ABORTED : XDP_TX;
}

SEC("action")
int act(struct __sk_buff *skb)
{
	return skb->priority;
}

SEC("lwt_in")
int in(struct __sk_buff *skb)
{
	return skb->len;
}

struct sum {
	__u32 a, b, sum;
};

SEC("syscall")
int add(struct sum *s)
{
	s->sum = s->a + s->b;
	return s->a > s->b;
}
