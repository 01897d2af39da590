/* CO-RE records in subprograms, which are copied to every program that calls them, in callbacks,
 * and in several sections.
 *
 * run: first retval=0 pid_ok=1
 * run: second retval=0 looped=3
 */
#include "bpf_test.h"
#include "kernel.h"
#include <bpf/bpf_core_read.h>

__u64 pid_ok, looped, from_tp;

static __noinline int leader(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, tgid);
}

static long each(__u32 i, void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	looped += bpf_core_field_exists(task->comm) && leader(task) >= 0;
	return 0;
}

SEC("syscall")
int first(void *ctx)
{
	pid_ok = leader((void *)bpf_get_current_task()) == bpf_get_current_pid_tgid() >> 32;
	return 0;
}

SEC("syscall")
int second(void *ctx)
{
	bpf_loop(3, each, NULL, 0);
	return 0;
}

SEC("raw_tp/sched_switch")
int third(void *ctx)
{
	from_tp = leader((void *)bpf_get_current_task());
	return 0;
}

LICENSE("GPL");
