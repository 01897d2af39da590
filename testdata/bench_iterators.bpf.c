/* For the bench: tables of tasks and of open files as text, by iterators with typed contexts: the programs read
 * kernel memory directly, and the loader looks their attach targets up.
 */
#include "bench.h"

struct seq_file;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id, seq_num;
};

struct bpf_iter__task {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
};

struct bpf_iter__task_file {
	union {
		struct bpf_iter_meta *meta;
	};
	union {
		struct task_struct *task;
	};
	__u32 fd;
	union {
		struct file *file;
	};
};

#pragma clang attribute pop

HASH(seen, __u32, __u64, 65536);

const volatile __u32 target_tgid;
__u64 files, tasks;

SEC("iter/task")
int dump_tasks(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	__u64 runtime;
	__u32 pid;

	if (!task || (target_tgid && task->tgid != target_tgid))
		return 0;
	if (ctx->meta->seq_num == 0)
		BPF_SEQ_PRINTF(seq, "%8s %8s %8s %4s %12s %s\n", "pid", "tgid", "ppid", "prio", "runtime", "comm");
	pid = task->pid;
	runtime = task->se.sum_exec_runtime;
	bpf_map_update_elem(&seen, &pid, &runtime, BPF_ANY);
	BPF_SEQ_PRINTF(seq, "%8d %8d %8d %4d %12llu %s\n", pid, task->tgid, task->real_parent->tgid, task->prio,
		       runtime, task->comm);
	BPF_SEQ_PRINTF(seq, "  faults %lu/%lu switches %lu/%lu uid %u\n", task->min_flt, task->maj_flt, task->nvcsw,
		       task->nivcsw, task->cred->uid.val);
	tasks++;
	return 0;
}

SEC("iter/task_file")
int dump_files(struct bpf_iter__task_file *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (!task || !file || (target_tgid && task->tgid != target_tgid))
		return 0;
	if (ctx->meta->seq_num == 0)
		BPF_SEQ_PRINTF(seq, "%8s %6s %10s %6s %12s\n", "tgid", "fd", "inode", "mode", "position");
	BPF_SEQ_PRINTF(seq, "%8d %6d %10lu %6o %12lld\n", task->tgid, ctx->fd, file->f_inode->i_ino,
		       file->f_inode->i_mode, file->f_pos);
	files++;
	return 0;
}

LICENSE("GPL");
