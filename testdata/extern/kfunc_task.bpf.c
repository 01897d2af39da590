/* Kfuncs of vmlinux that acquire and release, since Linux 6.2, for tracing programs. */
#include "bpf_test.h"
#include "kernel.h"

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

__u64 acquired;

SEC("tp_btf/task_newtask")
int on_new(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct task_struct *held = bpf_task_acquire(task);

	if (!held)
		return 0;
	acquired++;
	bpf_task_release(held);
	return 0;
}

LICENSE("GPL");
