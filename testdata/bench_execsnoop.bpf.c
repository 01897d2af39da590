/* For the bench: executed programs, from the tracepoints of execve, with the parent read by CO-RE. */
#include "bench.h"

#define ARGS_MAX 20
#define ARG_LEN 64

struct event {
	__s32 pid, ppid, uid, retval;
	__u32 args, size;
	char comm[16];
	char argv[ARGS_MAX * ARG_LEN];
};

struct enter_ctx {
	__u64 common;
	__s64 nr;
	const char *filename;
	const char *const *argv;
	const char *const *envp;
};

struct exit_ctx {
	__u64 common;
	__s64 nr;
	__s64 ret;
};

HASH(execs, __u32, struct event, 10240);
RINGBUF(events, 256 * 1024);

const volatile __u32 target_uid = -1;
const volatile _Bool ignore_failed = 1;
static const struct event empty_event;

SEC("tracepoint/syscalls/sys_enter_execve")
int enter_execve(struct enter_ctx *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id, uid = bpf_get_current_uid_gid();
	struct task_struct *task = (void *)bpf_get_current_task();
	struct event *e;

	if (target_uid != (__u32)-1 && uid != target_uid)
		return 0;
	if (bpf_map_update_elem(&execs, &pid, &empty_event, BPF_NOEXIST))
		return 0;
	e = bpf_map_lookup_elem(&execs, &pid);
	if (!e)
		return 0;
	e->pid = id >> 32;
	e->uid = uid;
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	bpf_probe_read_user_str(e->argv, ARG_LEN, ctx->filename);
	for (int i = 1; i < ARGS_MAX; i++) {
		const char *arg = NULL;

		bpf_probe_read_user(&arg, sizeof(arg), &ctx->argv[i]);
		if (!arg || bpf_probe_read_user_str(&e->argv[i * ARG_LEN], ARG_LEN, arg) <= 0)
			break;
		e->args = i;
	}
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_execve")
int exit_execve(struct exit_ctx *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid();
	struct event *e = bpf_map_lookup_elem(&execs, &pid);

	if (!e)
		return 0;
	if (!ignore_failed || ctx->ret >= 0) {
		e->retval = ctx->ret;
		bpf_get_current_comm(&e->comm, sizeof(e->comm));
		bpf_ringbuf_output(&events, e, sizeof(*e), 0);
	}
	bpf_map_delete_elem(&execs, &pid);
	return 0;
}

LICENSE("GPL");
