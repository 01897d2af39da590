/* For the bench: kernel functions and the address of one: six symbols, used many times. */
#include "bench.h"

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void vfs_read __ksym;

HASH(ages, __u32, __u64, 4096);

__u64 vfs_read_address, unknown;

static __always_inline void note(struct task_struct *task)
{
	__u32 pid = task->pid;
	__u64 start = task->start_time;

	bpf_map_update_elem(&ages, &pid, &start, BPF_ANY);
}

static __always_inline void parents(struct task_struct *task)
{
	struct task_struct *parent;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		parent = bpf_task_from_pid(task->tgid + i);
		if (parent) {
			note(parent);
			bpf_task_release(parent);
		} else {
			unknown++;
		}
	}
}

SEC("tp_btf/sched_wakeup_new")
int on_new(__u64 *ctx)
{
	parents((void *)ctx[0]);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int on_exit(__u64 *ctx)
{
	parents((void *)ctx[0]);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int on_fork(__u64 *ctx)
{
	struct task_struct *child, *parent;

	bpf_rcu_read_lock();
	child = bpf_task_acquire((void *)ctx[1]);
	bpf_rcu_read_unlock();
	if (!child)
		return 0;
	note(child);
	bpf_task_release(child);
	parent = (void *)ctx[0];
	vfs_read_address = (__u64)&vfs_read;
	parents(parent);
	return 0;
}

LICENSE("GPL");
