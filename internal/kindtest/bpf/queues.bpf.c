/* Maps without keys: queue, stack, bloom filter. */
#include "kinds.h"

#define QUEUE(map_type, name)                \
	struct {                             \
		__uint(type, map_type);      \
		__type(value, __u32);        \
		__uint(max_entries, 4);      \
	} name SEC(".maps")

QUEUE(BPF_MAP_TYPE_QUEUE, queue);
QUEUE(BPF_MAP_TYPE_STACK, stack);
QUEUE(BPF_MAP_TYPE_BLOOM_FILTER, bloom);

/* Removes a number and inserts ten times its value. */
static int take(void *map)
{
	__u32 n;

	if (bpf_map_pop_elem(map, &n))
		return 1;
	n *= 10;
	return bpf_map_push_elem(map, &n, BPF_ANY);
}

SEC("tc")
int take_queue(struct __sk_buff *skb)
{
	return take(&queue);
}

SEC("tc")
int take_stack(struct __sk_buff *skb)
{
	return take(&stack);
}

/* Reports whether the packet's mark is in the filter, and inserts the next number. */
SEC("tc")
int look(struct __sk_buff *skb)
{
	__u32 n = skb->mark, next = n + 1;
	int found = bpf_map_peek_elem(&bloom, &n) == 0;

	bpf_map_push_elem(&bloom, &next, BPF_ANY);
	return found;
}
