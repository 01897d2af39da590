/* A FIFO queueing discipline: packets wait in an array of kernel pointers. The kernel holds the
 * qdisc's lock during all of its functions. Clang before 15 leaves type tags out of BTF.
 */
#include "kinds.h"

__u64 enqueued, dequeued, dropped;
__u32 inits, destroys;

struct sk_buff {
	unsigned int len;
} KERNEL_STRUCT;

struct qdisc_skb_head {
	__u32 qlen;
} KERNEL_STRUCT;

struct Qdisc {
	struct qdisc_skb_head q;
} KERNEL_STRUCT;

struct bpf_sk_buff_ptr;
struct nlattr;
struct netlink_ext_ack;

extern void bpf_qdisc_skb_drop(struct sk_buff *p, struct bpf_sk_buff_ptr *to_free) __ksym;
extern void bpf_qdisc_bstats_update(struct Qdisc *sch, const struct sk_buff *skb) __ksym;
extern void bpf_kfree_skb(struct sk_buff *p) __ksym;

struct Qdisc_ops {
	int (*enqueue)(struct sk_buff *skb, struct Qdisc *sch, struct sk_buff **to_free);
	struct sk_buff *(*dequeue)(struct Qdisc *sch);
	int (*init)(struct Qdisc *sch, struct nlattr *arg, struct netlink_ext_ack *extack);
	void (*reset)(struct Qdisc *sch);
	void (*destroy)(struct Qdisc *sch);
	char id[16];
};

#define SLOTS 64
#define NET_XMIT_SUCCESS 0
#define NET_XMIT_DROP 1

struct slot {
	struct sk_buff __attribute__((btf_type_tag("kptr"))) *skb;
};

MAP(BPF_MAP_TYPE_ARRAY, slots, __u32, struct slot, SLOTS);

__u32 head, tail; /* the packets are in the slots from tail up to head */

SEC("struct_ops/enqueue")
int fifo_enqueue(unsigned long long *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	struct Qdisc *sch = (struct Qdisc *)ctx[1];
	struct bpf_sk_buff_ptr *to_free = (struct bpf_sk_buff_ptr *)ctx[2];
	__u32 at = head % SLOTS;
	struct slot *slot = bpf_map_lookup_elem(&slots, &at);

	if (!slot || head - tail == SLOTS) {
		dropped++;
		bpf_qdisc_skb_drop(skb, to_free);
		return NET_XMIT_DROP;
	}
	skb = bpf_kptr_xchg(&slot->skb, skb);
	if (skb)
		bpf_qdisc_skb_drop(skb, to_free);
	head++;
	sch->q.qlen++;
	enqueued++;
	return NET_XMIT_SUCCESS;
}

SEC("struct_ops/dequeue")
struct sk_buff *fifo_dequeue(unsigned long long *ctx)
{
	struct Qdisc *sch = (struct Qdisc *)ctx[0];
	__u32 at = tail % SLOTS;
	struct slot *slot;
	struct sk_buff *skb;

	if (head == tail)
		return NULL;
	slot = bpf_map_lookup_elem(&slots, &at);
	if (!slot)
		return NULL;
	skb = bpf_kptr_xchg(&slot->skb, NULL);
	if (!skb)
		return NULL;
	tail++;
	sch->q.qlen--;
	bpf_qdisc_bstats_update(sch, skb);
	dequeued++;
	return skb;
}

SEC("struct_ops/init")
int fifo_init(unsigned long long *ctx)
{
	inits++;
	return 0;
}

SEC("struct_ops/reset")
int fifo_reset(unsigned long long *ctx)
{
	struct Qdisc *sch = (struct Qdisc *)ctx[0];
	struct slot *slot;
	struct sk_buff *skb;
	__u32 i, at;

	for (i = 0; i < SLOTS; i++) {
		at = i;
		slot = bpf_map_lookup_elem(&slots, &at);
		if (!slot)
			break;
		skb = bpf_kptr_xchg(&slot->skb, NULL);
		if (skb)
			bpf_kfree_skb(skb);
	}
	head = tail = 0;
	sch->q.qlen = 0;
	return 0;
}

SEC("struct_ops/destroy")
int fifo_destroy(unsigned long long *ctx)
{
	destroys++;
	return 0;
}

SEC(".struct_ops")
struct Qdisc_ops fifo = {
	.enqueue = (void *)fifo_enqueue,
	.dequeue = (void *)fifo_dequeue,
	.init = (void *)fifo_init,
	.reset = (void *)fifo_reset,
	.destroy = (void *)fifo_destroy,
	.id = "b2l_fifo",
};
