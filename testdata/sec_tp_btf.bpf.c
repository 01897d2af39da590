/* Tracepoints with typed arguments: the attach target is a typedef in vmlinux BTF, found by the loader. Two
 * programs have the same target.
 */
#include "bpf_test.h"
#include "kernel.h"

__u64 switches;
__u64 last_pid;

SEC("tp_btf/sched_switch")
int on_switch(__u64 *ctx)
{
	struct task_struct *next = (void *)ctx[2];

	switches++;
	last_pid = next->pid;
	return 0;
}

SEC("tp_btf/sched_switch")
int on_switch_too(__u64 *ctx)
{
	return 0;
}

SEC("tp_btf/task_newtask")
int on_new(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];

	return task->tgid == 0;
}

LICENSE("GPL");
