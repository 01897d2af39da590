/* Maps of maps. */
#include "kinds.h"

struct row {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 4);
} first_row SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 4);
	__array(values, struct row);
} rows SEC(".maps") = {.values = {&first_row}};

struct group {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 8);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__type(key, __u64);
	__uint(max_entries, 8);
	__array(values, struct group);
} groups SEC(".maps");

/* Stores the sum of elements 0 and 1 of each row in element 2. */
SEC("tc")
int add_rows(struct __sk_buff *skb)
{
	for (__u32 i = 0; i < 4; i++) {
		__u32 index = i, zero = 0, one = 1, two = 2;
		void *row = bpf_map_lookup_elem(&rows, &index);
		__u64 *a, *b, *c;

		if (!row)
			continue;
		a = bpf_map_lookup_elem(row, &zero);
		b = bpf_map_lookup_elem(row, &one);
		c = bpf_map_lookup_elem(row, &two);
		if (a && b && c)
			*c = *a + *b;
	}
	return 0;
}

/* Adds the packet's mark and length to group 7. */
SEC("tc")
int enter(struct __sk_buff *skb)
{
	__u64 seven = 7, len = skb->len;
	void *group = bpf_map_lookup_elem(&groups, &seven);
	__u32 mark = skb->mark;

	return group ? bpf_map_update_elem(group, &mark, &len, BPF_NOEXIST) : 1;
}
