/* Maps of maps whose inner maps have BTF, which locks require, or a size that must be adjusted. */
#include "kinds.h"

struct locked {
	struct bpf_spin_lock lock;
	__u32 n;
};

struct counter {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct locked);
	__uint(max_entries, 1);
} total SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 8);
	__array(values, struct counter);
} counters SEC(".maps");

/* The size is not a multiple of a page, so it must be adjusted. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 2);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_RINGBUF);
		__uint(max_entries, 5000);
		__type(value, struct locked);
	});
} rings SEC(".maps");

/* Counts in the total, and in the counter for the packet's mark if there is one. */
SEC("tc")
int count(struct __sk_buff *skb)
{
	__u32 zero = 0, mark = skb->mark;
	struct locked *l = bpf_map_lookup_elem(&total, &zero);
	void *counter;

	if (!l)
		return 1;
	bpf_spin_lock(&l->lock);
	l->n++;
	bpf_spin_unlock(&l->lock);
	counter = bpf_map_lookup_elem(&counters, &mark);
	if (!counter)
		return 2;
	l = bpf_map_lookup_elem(counter, &zero);
	if (!l)
		return 3;
	bpf_spin_lock(&l->lock);
	l->n += 10;
	bpf_spin_unlock(&l->lock);
	return 0;
}
