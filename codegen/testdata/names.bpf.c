/* SPDX-License-Identifier: MIT
 *
 * Names that collide in Go: with each other, with the package's own names, with keywords.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct skeleton {
	__u32 type, func;
};

struct open {
	__u32 Type, type, TYPE;
};

enum maps { OPEN, CLOSED };

typedef struct {
	enum maps state;
	struct {
		__u8 low : 4, high : 4;
		union {
			__u32 v4;
			__u8 v6[16];
		};
	} addr;
} Open;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct skeleton);
	__type(value, struct open);
	__uint(max_entries, 1);
} rodata SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, Open);
	__type(value, enum maps);
	__uint(max_entries, 1);
} Rodata SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 12);
	__uint(max_entries, 1);
} sizes_only SEC(".maps");

const volatile __u32 port = 80;
const volatile struct {
	__u16 port;
} port_struct = {443};

SEC("xdp")
int count(struct xdp_md *ctx)
{
	return port + port_struct.port;
}

SEC("?xdp")
int Count(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("raw_tp/sched_switch")
int on_switch(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
