/* Sections of tracepoints and raw tracepoints in both spellings, the writable form, and perf events.
 *
 * run: raw retval=7
 */
#include "bpf_test.h"

struct sched_switch_args {
	__u64 common;
	char prev_comm[16];
	__u32 prev_pid;
};

struct bpf_perf_event_data;

SEC("tracepoint")
int bare(void *ctx)
{
	return 0;
}

SEC("tracepoint/sched/sched_switch")
int on_switch(struct sched_switch_args *ctx)
{
	return ctx->prev_pid == 0;
}

SEC("tp/syscalls/sys_enter_nanosleep")
int on_nanosleep(void *ctx)
{
	return 0;
}

SEC("raw_tracepoint/sched_switch")
int raw(struct bpf_raw_tracepoint_args *ctx)
{
	return 7;
}

SEC("raw_tp/sched_switch")
int raw_short(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("raw_tracepoint.w/nbd_send_request")
int writable(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("raw_tp.w/bpf_test_finish")
int writable_short(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("perf_event")
int sample(struct bpf_perf_event_data *ctx)
{
	return 0;
}

LICENSE("GPL");
