/* For the bench: operations on maps and buffers of a loaded object. */
#include "bpf_test.h"

#define BATCH 128

struct value {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1000);
	__type(key, __u64);
	__type(value, struct value);
} small SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 50000);
	__type(key, __u64);
	__type(value, struct value);
} large SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct value);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

/* All records are copies of this; the first word is 1. */
__u64 record[512] = {1};

struct args {
	__u64 size, count, flags, last;
};

/* Writes up to BATCH records to the ring buffer and returns how many fitted. */
SEC("syscall")
int fill_ring(struct args *a)
{
	__u64 size = a->size, count = a->count, flags = a->flags, last = a->last;
	int n;

	if (size > sizeof(record))
		return -1;
	for (n = 0; n < BATCH; n++) {
		if (n >= count || bpf_ringbuf_output(&ring, record, size, n + 1 == count ? last : flags))
			break;
	}
	return n;
}

/* The same for the perf event array, on the current CPU. */
SEC("raw_tp")
int fill_events(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 size = ctx->args[0], count = ctx->args[1];
	int n;

	if (size > sizeof(record))
		return -1;
	for (n = 0; n < BATCH; n++) {
		if (n >= count || bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, record, size))
			break;
	}
	return n;
}

SEC("raw_tp/sched_process_exit")
int attached(void *ctx)
{
	return 0;
}

LICENSE("GPL");
