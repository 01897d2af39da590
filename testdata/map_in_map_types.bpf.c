/* Maps of maps of other types: ring buffers, per-CPU hashes, an array whose inner maps may have any
 * size (BPF_F_INNER_MAP), and a map of maps with static slots and an inner definition by typedef.
 *
 * run: send retval=0 sent=1 sized=1
 */
#include "bpf_test.h"

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring_a SEC(".maps"), ring_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, struct ring);
} rings SEC(".maps") = {
	.values = {&ring_a, &ring_b},
};

struct sized {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sized_a SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 5);
	__type(key, __u32);
	__type(value, __u32);
} sized_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct sized);
} sizes SEC(".maps") = {
	.values = {[0] = (void *)&sized_a, [3] = (void *)&sized_b},
};

typedef struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4);
	__type(key, __u64);
	__type(value, __u64);
} counters_t;

counters_t counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, counters_t);
} per_cpu SEC(".maps") = {
	.values = {&counters},
};

__u64 sent, sized;

SEC("syscall")
int send(void *ctx)
{
	__u32 slot = 1, big = 3, last = 4;
	void *map = bpf_map_lookup_elem(&rings, &slot);
	__u64 v = 1;

	if (map)
		sent += bpf_ringbuf_output(map, &v, sizeof(v), 0) == 0;
	map = bpf_map_lookup_elem(&sizes, &big);
	if (map && bpf_map_lookup_elem(map, &last))
		sized++;
	return 0;
}

LICENSE("GPL");
