/* Programs at kernel functions that use a trampoline: all observe the security check of getpgid.
 * Each test loads its own program.
 */
#include "kinds.h"
#include <bpf/bpf_core_read.h>

const volatile __u32 pid = 0;

__u64 entered, left, cookie;
int asked, answer = 1;

static int ours(void)
{
	return bpf_get_current_pid_tgid() >> 32 == pid;
}

/* int security_task_getpgid(struct task_struct *p) */
SEC("?fentry/security_task_getpgid")
int on_entry(unsigned long long *ctx)
{
	struct task_struct *task = (void *)ctx[0];

	if (ours()) {
		__sync_fetch_and_add(&entered, 1);
		asked = task->pid;
		/* since Linux 5.15 */
		if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_attach_cookie))
			cookie = bpf_get_attach_cookie(ctx);
	}
	return 0;
}

SEC("?fexit/security_task_getpgid")
int on_exit(unsigned long long *ctx)
{
	if (ours()) {
		__sync_fetch_and_add(&left, 1);
		answer = ctx[1];
	}
	return 0;
}

/* Makes getpgid fail with EBUSY. */
SEC("?fmod_ret/security_task_getpgid")
int instead(unsigned long long *ctx)
{
	return ours() ? -16 : 0;
}

/* Makes getpgid fail with EXDEV. */
SEC("?lsm/task_getpgid")
int judge(unsigned long long *ctx)
{
	return ours() ? -18 : 0;
}

/* Denies bind to the processes of a cgroup. */
SEC("?lsm_cgroup/socket_bind")
int judge_group(unsigned long long *ctx)
{
	__sync_fetch_and_add(&entered, 1);
	return 0; /* EPERM */
}
