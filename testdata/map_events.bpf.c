/* Maps that carry events: ring buffer, user ring buffer, perf event array with and without
 * max_entries (by default the machine's number of CPUs), stack traces.
 *
 * run: emit retval=0 reserved=1 sent=0
 */
#include "bpf_test.h"

struct event {
	__u32 pid;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 64 * 1024);
} from_user SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
	__uint(max_entries, 2);
} two_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(key_size, 4);
	__uint(value_size, 127 * sizeof(__u64));
	__uint(max_entries, 100);
} stacks SEC(".maps");

__u64 reserved, sent;

static long drain(struct bpf_dynptr *dynptr, void *ctx)
{
	return 0;
}

SEC("syscall")
int emit(void *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e)
		return 1;
	e->pid = 1;
	bpf_ringbuf_discard(e, 0);
	reserved++;
	return 0;
}

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	struct event e = {};

	sent += bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e)) == 0;
	bpf_perf_event_output(ctx, &two_events, 0, &e, sizeof(e));
	bpf_get_stackid(ctx, &stacks, BPF_F_FAST_STACK_CMP);
	bpf_user_ringbuf_drain(&from_user, drain, NULL, 0);
	return 0;
}

LICENSE("GPL");
