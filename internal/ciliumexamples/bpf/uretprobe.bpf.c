/* Sends the text that a function has returned a pointer to. */
#include "example.h"

/* The layout on x86-64, up to the register of return values. This object has no other target. */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax;
};

struct event {
	__u32 pid;
	__u8 line[80];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(value, struct event);
} events SEC(".maps");

SEC("uretprobe/bash_readline")
int uretprobe_bash_readline(struct pt_regs *ctx)
{
	struct event e = { .pid = bpf_get_current_pid_tgid() }; /* the thread */

	bpf_probe_read_user(e.line, sizeof(e.line), (void *)ctx->ax);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	return 0;
}
