/* Reports which process starts a program. */
#include "example.h"

struct event {
	__u32 pid;
	__u8 comm[16];
};

RING(events, struct event);

SEC("kprobe/sys_execve")
int kprobe_execve(void *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return 0;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_ringbuf_submit(e, 0);
	return 0;
}
