/* Programs at tracepoints and perf events, and iterators. Tracepoint programs observe getpgid of
 * one process.
 */
#include "kinds.h"

const volatile __u32 pid = 0;
const volatile long syscall = 0;

__u64 raw, typed, formatted, switches;
__u64 asked; /* the argument of getpgid */

MAP(BPF_MAP_TYPE_HASH, ages, __u32, __u64, 8);

static int ours(long id)
{
	return id == syscall && bpf_get_current_pid_tgid() >> 32 == pid;
}

SEC("raw_tp/sys_enter")
int on_raw(struct bpf_raw_tracepoint_args *ctx)
{
	if (ours(ctx->args[1]))
		__sync_fetch_and_add(&raw, 1);
	return 0;
}

SEC("tp_btf/sys_enter")
int on_typed(unsigned long long *ctx)
{
	if (ours(ctx[1]))
		__sync_fetch_and_add(&typed, 1);
	return 0;
}

/* As described in events/raw_syscalls/sys_enter/format in tracefs. */
struct sys_enter {
	__u64 common;
	long id;
	unsigned long args[6];
};

SEC("tp/raw_syscalls/sys_enter")
int on_formatted(struct sys_enter *ctx)
{
	if (ours(ctx->id)) {
		__sync_fetch_and_add(&formatted, 1);
		asked = ctx->args[0];
	}
	return 0;
}

SEC("raw_tp")
int add_args(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[0] + ctx->args[1];
}

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
	__uint(max_entries, 4);
} groups SEC(".maps");

/* Reports whether the task is in cgroup 2. */
SEC("raw_tp")
int in_group(void *ctx)
{
	return bpf_current_task_under_cgroup(&groups, 2);
}

SEC("perf_event")
int on_switch(void *ctx)
{
	__sync_fetch_and_add(&switches, 1);
	return 0;
}

struct line {
	int pid, tgid;
};

DESCRIBE(struct line, line);

SEC("iter/task")
int each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct line line;

	if (!task)
		return 0;
	line.pid = task->pid;
	line.tgid = task->tgid;
	return bpf_seq_write(ctx->meta->seq, &line, sizeof(line)) != 0;
}

__u64 total;

SEC("iter/bpf_map_elem")
int each_age(struct bpf_iter__bpf_map_elem *ctx)
{
	__u64 *age = ctx->value;

	if (age)
		total += *age;
	return 0;
}
