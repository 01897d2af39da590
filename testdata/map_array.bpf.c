/* Array and hash maps with keys and values by type and by size, in one program.
 *
 * run: count retval=0 found=2 missing=1
 */
#include "bpf_test.h"

struct key {
	__u32 id;
	__u16 port;
	__u16 pad;
};

struct value {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct value);
	__uint(max_entries, 8);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct key);
	__type(value, struct value);
	__uint(max_entries, 128);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(key_size, 6);
	__uint(value_size, 10);
	__uint(max_entries, 3);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} untyped SEC(".maps");

__u64 found, missing;

SEC("tc")
int count(struct __sk_buff *skb)
{
	struct key k = {.id = 1, .port = 80};
	struct value v = {1, skb->len};
	__u8 raw[6] = {1, 2, 3, 4, 5, 6};
	__u32 slot = 7;
	struct value *p;

	bpf_map_update_elem(&flows, &k, &v, BPF_ANY);
	p = bpf_map_lookup_elem(&flows, &k);
	if (p)
		found++;
	p = bpf_map_lookup_elem(&slots, &slot);
	if (p) {
		found++;
		__sync_fetch_and_add(&p->packets, 1);
	}
	if (!bpf_map_lookup_elem(&untyped, raw))
		missing++;
	return 0;
}

LICENSE("Dual MIT/GPL");
