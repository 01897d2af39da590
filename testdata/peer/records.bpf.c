/* Ring and perf buffers that name the type of their records, and perf event arrays without sizes.
 *
 * accepts: `__type(value, struct event)` of a ring or perf buffer, perf event arrays and CPU maps without sizes, numbers by `__ulong`
 * as: the reader's type, and the sizes that the kernel requires
 */
#include "bpf_test.h"

struct event {
	__u32 pid;
	char comm[16];
};

typedef struct {
	__u64 at;
} sample_t;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} from_user SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(value, sample_t);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
} bare SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, int);
	__type(value, int);
} files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(key_size, 4);
	__uint(value_size, 4);
} cpus SEC(".maps");

#define __ulong(name, val) enum { ___##name = val } name

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__ulong(max_entries, 3);
} three SEC(".maps");

SEC("xdp")
int use(struct xdp_md *ctx)
{
	sample_t s = {1};
	__u32 key = 0;
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (e) {
		e->pid = 1;
		bpf_ringbuf_submit(e, 0);
	}
	bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &s, sizeof(s));
	bpf_perf_event_output(ctx, &bare, BPF_F_CURRENT_CPU, &s, sizeof(s));
	bpf_perf_event_output(ctx, &files, BPF_F_CURRENT_CPU, &s, sizeof(s));
	return bpf_map_lookup_elem(&three, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("GPL");
