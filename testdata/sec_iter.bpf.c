/* Iterators: the target is the function bpf_iter_NAME in vmlinux BTF. Over tasks, over maps, over a
 * map's elements, and a sleepable one.
 */
#include "bpf_test.h"
#include "kernel.h"

__u64 tasks, maps;

SEC("iter/task")
int each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	int pid;

	if (!task)
		return 0;
	tasks++;
	pid = task->pid;
	bpf_seq_write(seq, &pid, sizeof(pid));
	return 0;
}

SEC("iter/bpf_map")
int each_map(struct bpf_iter__bpf_map *ctx)
{
	if (ctx->map)
		maps++;
	return 0;
}

SEC("iter/bpf_map_elem")
int each_element(struct bpf_iter__bpf_map_elem *ctx)
{
	return 0;
}

SEC("iter.s/task")
int each_task_sleepable(struct bpf_iter__task *ctx)
{
	return 0;
}

LICENSE("GPL");
