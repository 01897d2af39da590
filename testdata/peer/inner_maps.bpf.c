/* Inner maps whose template must be adjusted, or has BTF.
 *
 * accepts: inner maps whose size must be adjusted, such as a ring buffer that is not a multiple of a page
 * as: adjusted by the load, and by `NewInner`
 */
#include "bpf_test.h"

struct locked {
	struct bpf_spin_lock lock;
	__u32 n;
};

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct locked);
};

/* Clang before 22 omits struct locked from BTF unless this map comes first in the program. */
struct inner instance SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_RINGBUF);
		__uint(max_entries, 5000);
	});
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	});
} outputs SEC(".maps");

SEC("tc")
int use(struct __sk_buff *skb)
{
	__u32 key = 1;
	struct locked *l = bpf_map_lookup_elem(&instance, &key);
	void *inner;

	if (!l)
		return 0;
	inner = bpf_map_lookup_elem(&locks, &key);
	if (!inner)
		return 0;
	l = bpf_map_lookup_elem(inner, &key);
	if (!l)
		return 0;
	bpf_spin_lock(&l->lock);
	l->n++;
	bpf_spin_unlock(&l->lock);
	return 1;
}

LICENSE("GPL");
