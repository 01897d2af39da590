/* Maps that carry records: ring buffer, user ring buffer, perf event array. The first two name the
 * type of their records with a tag, the last one with its value type, like sources for cilium/ebpf.
 */
#include "kinds.h"

struct event {
	__u64 number;
	__u32 mark;
	__u8 tag[4];
};

struct order {
	__u32 amount;
	__u32 price;
};

DESCRIBE(struct event, event);
DESCRIBE(struct order, order);

#define RECORDS(type) __attribute__((btf_decl_tag("record:" #type)))

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} ring SEC(".maps") RECORDS(struct event);

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 64 * 1024);
} orders SEC(".maps") RECORDS(struct order);

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(value, struct event);
} samples SEC(".maps");

__u64 next, sum;

SEC("tc")
int submit(struct __sk_buff *skb)
{
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e)
		return 1;
	*e = (struct event){next++, skb->mark, {'r', 'i', 'n', 'g'}};
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tc")
int sample(struct __sk_buff *skb)
{
	struct event e = {next++, skb->mark, {'p', 'e', 'r', 'f'}};

	return bpf_perf_event_output(skb, &samples, BPF_F_CURRENT_CPU, &e, sizeof(e)) != 0;
}

static long add(struct bpf_dynptr *record, void *ctx)
{
	struct order o;

	if (bpf_dynptr_read(&o, sizeof(o), record, 0, 0) == 0)
		sum += (__u64)o.amount * o.price;
	return 0;
}

/* Returns the number of orders. Callbacks require a JIT compiler. */
SEC("?tc")
int drain(struct __sk_buff *skb)
{
	return bpf_user_ringbuf_drain(&orders, add, NULL, 0);
}
