//go:build ignore

// SPDX-License-Identifier: MIT
//
// Counts packets by size and reports numbers on request.

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct event {
	__u32 number;
	char text[12];
};
struct event *unused_event;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct counter);
	__uint(max_entries, 64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 12);
} events SEC(".maps") __attribute__((btf_decl_tag("record:struct event")));

const volatile __u32 min_bytes = 0;
__u64 total = 0;

SEC("xdp")
int count_packets(struct xdp_md *ctx)
{
	__u32 bytes = ctx->data_end - ctx->data;
	struct counter *c, first = {1, bytes};

	if (bytes < min_bytes)
		return XDP_DROP;
	__sync_fetch_and_add(&total, 1);
	c = bpf_map_lookup_elem(&counts, &bytes);
	if (!c) {
		bpf_map_update_elem(&counts, &bytes, &first, BPF_NOEXIST);
		return XDP_PASS;
	}
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->bytes, bytes);
	return XDP_PASS;
}

struct report_args {
	__u32 number;
	__u32 seen; // set by the program
};

SEC("syscall")
int report(struct report_args *args)
{
	struct event e = {.number = args->number, .text = "hello"};
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&runs, &zero);

	if (n)
		(*n)++;
	args->seen = args->number + 1;
	return bpf_ringbuf_output(&events, &e, sizeof(e), 0);
}

SEC("raw_tp/sched_switch")
int on_switch(void *ctx)
{
	__sync_fetch_and_add(&total, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
