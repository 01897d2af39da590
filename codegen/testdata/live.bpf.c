/* SPDX-License-Identifier: MIT
 *
 * A generated package to try out: constants, variables, a typed map, programs that are attached by
 * their sections, and one that is not.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct count {
	__u64 calls;
	__u32 last;
	enum mode { MODE_IDLE, MODE_BUSY } mode;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct count);
	__uint(max_entries, 1);
} counts SEC(".maps");

const volatile __u32 step = 1;
__u64 base = 100;
__u64 total;
__u64 own SEC(".data.own") = 7;

static int add(__u32 key)
{
	struct count fresh = {}, *c = bpf_map_lookup_elem(&counts, &key);

	if (!c) {
		bpf_map_update_elem(&counts, &key, &fresh, BPF_NOEXIST);
		c = bpf_map_lookup_elem(&counts, &key);
	}
	if (!c)
		return 1;
	__sync_fetch_and_add(&c->calls, step);
	c->mode = MODE_BUSY;
	c->last = base;
	__sync_fetch_and_add(&total, step);
	own++;
	return 0;
}

SEC("syscall")
int run(void *ctx)
{
	return add(1) || add(2);
}

SEC("raw_tp/sched_switch")
int on_switch(void *ctx)
{
	__sync_fetch_and_add(&total, 1000000);
	return 0;
}

SEC("?tp/sched/sched_switch")
int on_switch_too(void *ctx)
{
	return 0;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
