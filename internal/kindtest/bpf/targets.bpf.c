/* Programs whose targets are chosen at run time. None is loaded for the target in its section. */
#include "kinds.h"

const volatile __u32 pid = 0;

__u64 entered, left, typed;

static int ours(void)
{
	return bpf_get_current_pid_tgid() >> 32 == pid;
}

SEC("?fentry")
int on_entry(void *ctx)
{
	if (ours())
		__sync_fetch_and_add(&entered, 1);
	return 0;
}

SEC("?fexit/security_task_getsid")
int on_exit(void *ctx)
{
	if (ours())
		__sync_fetch_and_add(&left, 1);
	return 0;
}

/* Has the same target in its section as on_exit. */
SEC("?fentry/security_task_getsid")
int on_getsid(void *ctx)
{
	if (ours())
		__sync_fetch_and_add(&entered, 1);
	return 0;
}

/* Makes the function return EBUSY. */
SEC("?fmod_ret")
int instead(void *ctx)
{
	return ours() ? -16 : 0;
}

/* Makes the function return EXDEV. */
SEC("?lsm/task_getsid")
int judge(void *ctx)
{
	return ours() ? -18 : 0;
}

SEC("?tp_btf")
int on_typed(void *ctx)
{
	if (ours())
		__sync_fetch_and_add(&typed, 1);
	return 0;
}

SEC("?iter/task")
int each(struct bpf_iter__task *ctx)
{
	char x = 'x';

	return bpf_seq_write(ctx->meta->seq, &x, 1) != 0;
}

/* For functions of other BPF programs: see dispatch.bpf.c. */
__u64 traced;

SEC("?fentry")
int on_program(void *ctx)
{
	__sync_fetch_and_add(&traced, 1);
	return 0;
}

SEC("?fexit")
int on_program_exit(void *ctx)
{
	__sync_fetch_and_add(&traced, 100);
	return 0;
}

SEC("?freplace/verdict")
int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("?freplace")
int send(struct xdp_md *ctx)
{
	return XDP_TX;
}
